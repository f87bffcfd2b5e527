// Package assist asks language models, at any address that speaks OpenAI's API. A Writer drafts statements. An Assessor
// reads a sample of a storm as a second opinion on its tone, within budgets that all processes share.
//
// What strangers wrote goes to a model as quoted data. Nothing that a model answers is published or decides anything: a
// person reads, edits and approves it.
package assist
