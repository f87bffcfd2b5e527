package incident

import (
	"strings"
	"time"

	"brandmelder/brand"
)

// StatementKind is what a statement is for.
type StatementKind string

// The kinds of statements.
const (
	Holding  StatementKind = "holding"  // what is known, what is being checked, when the next update comes
	Reply    StatementKind = "reply"    // to a question that people ask
	Internal StatementKind = "internal" // to colleagues
)

// FromPlaybook is what a statement is from that no model made. No model may have this name: its texts would be approved
// without a look.
const FromPlaybook = "playbook"

// Statement is a text that may become official by people's approval and never otherwise.
type Statement struct {
	ID        string        `json:"id"`
	Kind      StatementKind `json:"kind"`
	Question  string        `json:"question,omitempty"` // of a Reply
	Lang      string        `json:"lang"`
	From      string        `json:"from"` // FromPlaybook, or the name of the model that wrote the first revision
	Revisions []Revision    `json:"revisions"`
	Published []Publication `json:"published,omitempty"`
}

// Revision is one text of a statement. It never changes; an edit adds a revision, which nobody has approved.
type Revision struct {
	Number    int        `json:"number"` // from 1 on
	Text      string     `json:"text"`
	By        string     `json:"by,omitempty"` // who edited it; "" for the first
	At        time.Time  `json:"at"`
	Flags     []Flag     `json:"flags,omitempty"` // what only this text says, and who confirmed it
	Approvals []Approval `json:"approvals,omitempty"`
}

// Approval is one person's word for a revision.
type Approval struct {
	By         string    `json:"by"`
	Department string    `json:"department,omitempty"`
	At         time.Time `json:"at"`
}

// Publication is that people published a revision.
type Publication struct {
	Revision int       `json:"revision"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Where    string    `json:"where,omitempty"`
}

// Latest is the statement's text as it stands.
func (st *Statement) Latest() *Revision { return &st.Revisions[len(st.Revisions)-1] }

// Edited reports whether a person changed the text.
func (st *Statement) Edited() bool { return st.Latest().By != "" }

// FlagKind is what a flagged part of a statement is.
type FlagKind string

// The kinds of flags.
const (
	FlagAddress FlagKind = "address" // of the web, of mail, of a network's account, of an IP host, of a house
	FlagPhone   FlagKind = "phone"   // a number to call or write to
	FlagMoney   FlagKind = "money"   // an amount, a percentage, an account
	FlagPromise FlagKind = "promise" // a refund, a recall, a guarantee, a deadline, an admission
	FlagModel   FlagKind = "model"   // the whole text: a language model wrote it, whoever edited it since
)

// Flag is a part of a revision that no approved text of the incident says, or that a language model wrote it. A person
// confirms it before the revision can be approved.
type Flag struct {
	Kind FlagKind  `json:"kind"`
	Text string    `json:"text"`         // the part, as it stands in the text; of FlagModel the model's name
	By   string    `json:"by,omitempty"` // who confirmed it; "" for nobody yet
	At   time.Time `json:"at,omitzero"`  // when
}

// Key names the flag within its revision, in hexadecimal digits, so that forms pass it on unchanged.
func (f Flag) Key() string { return brand.Hash(string(f.Kind), f.Text) }

// twoDepartments reports whether two of the approvals are of different departments. A person without a department
// counts for none.
func twoDepartments(approvals []Approval) bool {
	for i, a := range approvals {
		for _, b := range approvals[i+1:] {
			if differ(a.Department, b.Department) {
				return true
			}
		}
	}
	return false
}

func differ(a, b string) bool { return a != "" && b != "" && !strings.EqualFold(a, b) }
