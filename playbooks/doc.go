// Package playbooks holds the crisis plans, in German and English, and the code that reads them and the people they
// name.
//
// A plan is a YAML file with Markdown in it; de/ and en/ are embedded and can be replaced by one's own files of the
// same id (docs/playbooks.md). A Shelf finds the plan that fits a matter and says why in words; People finds who speaks
// and who can help.
package playbooks
