// Package sentiment hears the tone of a text: how likely it is meant negatively, neutrally or positively.
//
// The model is a multinomial logistic regression over hashed word and character n-grams (Weinberger et al. 2009, "Feature
// hashing for large scale multitask learning"), with marked negation (Pang, Lee & Vaithyanathan 2002), one byte a weight. It serves six
// languages. It is small and fast and often wrong on irony; docs/tone.md says how often.
package sentiment
