// Package i18n words facts for people: it holds every text that a person reads, in each language of the interface.
//
// A language is one file, such as de.yaml. To add one, copy en.yaml and translate it. All other packages store and pass
// facts (numbers, names, brand.Fact) and ask a Printer for words when somebody reads them. Errors, logs, metrics and
// the output of commands are technical English and do not stand here.
package i18n
