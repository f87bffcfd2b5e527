package query

import (
	"slices"
	"testing"
)

func TestASearchAsksForWordsOfWhichEachFittingTextHoldsOne(t *testing.T) {
	for text, want := range map[string][]string{
		`acme OR @acme OR "acme kaffee"`:         {`"acme kaffee"`, "acme"},
		`bahn AND (verspätung OR ausfall)`:       {"bahn"},
		`(a1 OR b1) AND "lange phrase" NOT spam`: {`"lange phrase"`},
		`acme* OR rösterei`:                      nil,
		`acme* AND rösterei`:                     {"rösterei"},
		`acme NEAR/3 kaffee`:                     {"kaffee"},
	} {
		q, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := q.Search()
		if !slices.Equal(got, want) || (want == nil) != (err != nil) {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
}
