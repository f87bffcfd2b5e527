// Package language identifies the language of a text.
//
// A linear classifier over hashed words and parts of words knows six languages: German, English, Spanish, French,
// Italian and Portuguese. It answers most texts in a few microseconds. Where it is not certain, whatlanggo compares
// the text with 84 languages, which takes a hundred times as long.
package language
