// Package playbooks holds the crisis plans, in German and English, and selects the one that fits.
//
// A plan is a YAML file with Markdown in it; de/ and en/ are embedded and can be replaced by one's own files of the
// same id (docs/playbooks.md). A Shelf finds the plan that fits a matter and gives the reasons as facts. Whom a plan
// names is an id or a role; package people knows who that is.
package playbooks
