package brand

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestAMentionIsReadWithWhatItHasAndNamedByWhatItSays(t *testing.T) {
	m, err := DecodeMention([]byte(`{"at":"2026-03-14T19:02:00+01:00","text":"acme","author":"eve","mood":"grim"}`))
	if err != nil || m.At.Location() != time.UTC || m.At.Hour() != 18 || m.Kind != Post || string(m.Extra["mood"]) != `"grim"` || len(m.ID) != 16 {
		t.Fatalf("got %+v, %v", m, err)
	}
	again, err := DecodeMention([]byte(`{"text":"acme","author":"eve","at":"2026-03-14T18:02:00Z"}`))
	if err != nil || again.ID != m.ID {
		t.Errorf("the same mention is called %s and %s, %v", m.ID, again.ID, err)
	}
	if other, _ := DecodeMention([]byte(`{"text":"acme!","author":"eve","at":"2026-03-14T18:02:00Z"}`)); other.ID == m.ID {
		t.Error("another text has the same name")
	}
}

func TestABadMentionIsToldByItsField(t *testing.T) {
	for line, want := range map[string]string{
		`{"text":"a"}`:                                               `field "at" is missing`,
		`{"at":"2026-03-14T18:00:00Z"}`:                              `field "text" is missing`,
		`{"at":"yesterday","text":"a"}`:                              `"yesterday" is not a time`,
		`{"at":"2026-03-14T18:00:00Z","text":7}`:                     `field "text": got number, want string`,
		`{"at":"2026-03-14T18:00:00Z","text":"a","likes":1.5}`:       `field "likes": got number 1.5, want whole number`,
		`{"at":"2026-03-14T18:00:00Z","text":"a","extra":[]}`:        `field "extra": got array, want object`,
		`{"at":"2026-03-14T18:00:00Z","text":"a","counted":"yes"}`:   `field "counted": got string, want true or false`,
		`{"at":5,"text":"a"}`:                                        `field "at": want a time as in`,
		`[]`:                                                         `got array, want object`,
		`{"at":"2026-03-14T18:00:00Z","text":"a","followers":"ten"}`: `field "followers": got string, want whole number`,
		`{"at":"0001-03-14T18:00:00Z","text":"a"}`:                   `the year 1 cannot be`,
		`{"at":"2026-03-14T18:00:00Z","text":"a"} {}`:                `more than one`,
		`nonsense`: `invalid character`,
		``:         `EOF`,
	} {
		if _, err := DecodeMention([]byte(line)); !errors.Is(err, ErrBadMention) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

func TestATextThatIsTooLongOrBrokenIsCutToWhatCanBeKept(t *testing.T) {
	m := Mention{At: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC), Text: strings.Repeat("ü", MaxText) + "\xff"}
	if err := m.Normalise(); err != nil || len(m.Text) > MaxText || !utf8.ValidString(m.Text) {
		t.Errorf("got %d bytes, %v", len(m.Text), err)
	}
}

// Fails on 0005da9: all of these were accepted, and the nested one could not be read back from the store.
func TestAMentionBeyondItsLimitsIsRefusedByItsField(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for fields, want := range map[string]string{
		`"x":` + deep(MaxDepth+1):                              `field "x" is nested more than 32 levels deep`,
		`"extra":{"x":` + deep(8000) + `}`:                     `nested more than 32 levels deep`,
		`"x":"` + strings.Repeat("a", MaxExtra) + `"`:          `the unknown fields have more than 16 KiB together`,
		`"` + strings.Repeat("n", MaxExtra) + `":1`:            `the unknown fields have more than 16 KiB together`,
		`"kind":"tweet"`:                                       `field "kind": "tweet" is not known`,
		`"kind":"` + strings.Repeat("k", 1<<20) + `"`:          `is not known`,
		`"kind":"tally","topic":"a","count":10000001`:          `a tally has at most 10000000 posts`,
		`"kind":"tally","topic":"` + deep(200) + `","count":1`: `a topic of at most 200 bytes`,
	} {
		_, err := DecodeMention([]byte(`{"at":"2026-03-14T18:00:00Z","text":"a",` + fields + `}`))
		if !errors.Is(err, ErrBadMention) || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%.60s: got %v, want %q", fields, err, want)
		}
	}
	if _, err := DecodeMention([]byte(`{"at":"2026-03-14T18:00:00Z","text":"a","x":` + deep(MaxDepth) + `}`)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

// Fails on 0005da9: numbers were taken as they came, so that a sum of them could overflow, and control characters
// stayed in names.
func TestAbsurdNumbersAndControlCharactersAreMended(t *testing.T) {
	m, err := DecodeMention([]byte(`{"at":"2026-03-14T18:00:00Z","text":"a\u0000b\tc","author_name":"e\u001b[31mve","followers":9223372036854775807,"likes":-3,` +
		`"lang":"` + strings.Repeat("x", 1<<16) + `","topic":"t","count":7}`))
	if err != nil || m.Text != "ab\tc" || m.AuthorName != "e[31mve" || m.Followers != MaxReach || m.Likes != 0 || m.Lang != "" || m.Topic != "" || m.Count != 0 {
		t.Errorf("got %+v, %v", m, err)
	}
}

// Fails on 0005da9: they were cut to one ID, and the second mention was lost.
func TestTwoLongIDsWithOneBeginningAreTwo(t *testing.T) {
	id := func(end string) string {
		m := Mention{ID: strings.Repeat("i", 3*MaxName) + end, At: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC), Text: "a"}
		if err := m.Normalise(); err != nil || len(m.ID) > MaxName {
			t.Fatal(len(m.ID), err)
		}
		return m.ID
	}
	if one, again, two := id("1"), id("1"), id("2"); one != again || one == two {
		t.Errorf("got %s, %s and %s", one, again, two)
	}
}

func TestDepthCountsWithoutRecursion(t *testing.T) {
	for doc, want := range map[string]int{`7`: 0, `[]`: 1, `{"a":[{}]}`: 3, `"[[["`: 0, `"\\"`: 0, `["\"[",[1]]`: 2, ``: 0} {
		if got := Depth([]byte(doc)); got != want {
			t.Errorf("%s: depth %d, want %d", doc, got, want)
		}
	}
	if got := Depth(bytes.Repeat([]byte("["), 10<<20)); got != 10<<20 {
		t.Errorf("got %d", got)
	}
}

func FuzzDecodeMention(f *testing.F) {
	f.Add([]byte(`{"at":"2026-03-14T18:00:00Z","text":"a","x":[1]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := DecodeMention(line)
		if err != nil {
			return
		}
		doc, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := DecodeMention(doc)
		if err != nil || again.ID != m.ID {
			t.Errorf("read again it is %q, %v, not %q", again.ID, err, m.ID)
		}
		if twice, _ := json.Marshal(again); !bytes.Equal(doc, twice) && !strings.Contains(string(doc), `"extra"`) {
			t.Errorf("read again it is %s, not %s", twice, doc)
		}
	})
}
