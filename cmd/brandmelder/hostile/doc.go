// Package hostile makes inputs that try to stop or silence a running daemon: deep, wide, long, many, compressed,
// truncated and slow ones, in mixed encodings, with absurd times and numbers.
//
// An input is a line in a table: its shape and the function that makes it. Shapes of one mention travel in
// several carriers (a request, a list, lines of a file, a web hook), so one line gives an input for each of
// them. All is made from a seed, so that the input that a failure names can be sent again alone. No input is
// larger than MaxWire on the wire.
package hostile
