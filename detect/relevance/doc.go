// Package relevance separates mentions of the brand from texts that only share its name: a railway from a racetrack.
//
// A topic's filter is learned from corrections that people make on its pages, a dozen texts or thousands, in less than
// a second. It is a linear support vector machine over two groups of features: the words of a text, and the words
// around the name, because neighbours show what a name means (Firth 1957; Yarowsky 1993, "One sense per collocation").
package relevance
