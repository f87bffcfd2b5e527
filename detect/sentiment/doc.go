// Package sentiment is the tone model: it estimates whether a text is negative, neutral or positive, towards whom, and
// whether it is offensive.
//
// It is a regression over hashed word and character n-grams (Weinberger et al. 2009, "Feature hashing for large scale
// multitask learning") with experts behind a gate, a convolution over words, and lexicons with negation and contrast.
// docs/tone.md is its model card: its training data, its measured quality and its limits.
package sentiment
