package brand

import "time"

// FlagKind is what a flagged part of a draft is.
type FlagKind string

// The kinds of flags.
const (
	FlagAddress FlagKind = "address" // of the web, of mail, of a network's account, of an IP host, of a house
	FlagPhone   FlagKind = "phone"   // a number to call or write to
	FlagMoney   FlagKind = "money"   // an amount, a percentage, an account
	FlagPromise FlagKind = "promise" // a refund, a recall, a guarantee, a deadline, an admission
	FlagModel   FlagKind = "model"   // the whole draft: a language model wrote it, whoever edited it since
)

// Flag is a part of a draft that no approved text of the incident says, or that a language model wrote the draft. A
// person confirms it before the draft can be approved.
type Flag struct {
	Kind FlagKind  `json:"kind"`
	Text string    `json:"text"`         // the part, as it stands in the draft; of FlagModel the model's name
	By   string    `json:"by,omitempty"` // who confirmed it; "" for nobody yet
	At   time.Time `json:"at,omitzero"`  // when
}

// Key names the flag within its draft, in hexadecimal digits, so that forms pass it on unchanged.
func (f Flag) Key() string { return Hash(string(f.Kind), f.Text) }
