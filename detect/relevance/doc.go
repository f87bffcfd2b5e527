// Package relevance tells mentions that are about the brand from others that only share its name: a railway's from a racetrack's.
//
// A topic's filter is learned from what people marked on its pages, some dozen texts or thousands, in less than a second. It is a linear support
// vector machine over the words of a text and, apart from them, the words around the name: what a name means is told by its neighbours (Firth 1957;
// Yarowsky 1993, "One sense per collocation").
package relevance
