// Package sentiment is the scorer: how likely a text is meant negatively, neutrally or positively, towards whom, whether it is offensive, and in which of six
// languages it is.
//
// A regression over hashed word and character n-grams (Weinberger et al. 2009, "Feature hashing for large scale multitask learning") with experts behind a
// gate, a convolution over words in English, and lexicons with negation and contrast. docs/tone.md is its model card: what it was trained on, how well it
// hears, and what it does not hear.
package sentiment
