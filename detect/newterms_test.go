package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/store/sqlite"
)

// A word that nobody used for a week and several people use now is shown on the topic's page, at the usual volume. A
// word that one account repeats is not.
func TestNewWordsAreShown(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	l, err := NewLoop(st, Rules{Topics: []brand.Topic{{Name: "acme", Query: "acme"}}, Scorer: plainScorer{}}, Options{Name: "a", Holder: "me", Pin: true, Lease: 90 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Acquire(t.Context()); err != nil || !ok {
		t.Fatal(ok, err)
	}
	said := []string{"acme makes fine coffee", "the acme shop opens late", "acme grinder arrived", "queue before the acme shop"}
	mice := []string{
		"there was a mouse in my acme bag", "acme, explain the mouse please", "my daughter found a dead mouse at acme today", "who else saw that mouse picture? acme says nothing",
		"so acme sells mouse with its beans now", "a mouse!!! in the shop window of acme", "never thought I would write mouse and acme together", "hygiene at acme: one mouse, no answer",
	}
	var ms []brand.Mention
	say := func(at time.Time, author, text string) {
		ms = append(ms, brand.Mention{ID: fmt.Sprint(len(ms)), Source: "x", Author: author, At: at, Text: text})
	}
	for h := range 7 * 24 {
		for i := range 3 {
			say(t0.Add(time.Duration(h)*time.Hour+time.Duration(i)*time.Minute), fmt.Sprint("a", h, i), said[(h+i)%4]+" "+fmt.Sprint("visitor", h, i))
		}
	}
	end := t0.Add(7 * 24 * time.Hour)
	for i := range 8 {
		at := end.Add(time.Duration(i*20) * time.Minute)
		say(at, fmt.Sprint("b", i), mice[i])
		say(at.Add(time.Minute), "bot", "acme casino bonus now")
	}
	for _, m := range ms {
		if _, err := st.Append(t.Context(), m.At, []brand.Mention{m}); err != nil {
			t.Fatal(err)
		}
	}
	for h := range 2 { // the first time only sets the hour
		if err := l.Step(t.Context(), end.Add(time.Duration(3+h)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	docs, err := st.TopicStatuses(t.Context(), "acme")
	if err != nil || len(docs) != 1 {
		t.Fatal(docs, err)
	}
	var words []string
	for _, w := range docs[0].New {
		words = append(words, w.Text)
	}
	if all := strings.Join(words, ", "); !strings.Contains(all, "mouse") || strings.Contains(all, "casino") || strings.Contains(all, "coffee") {
		t.Errorf("new are %q", all)
	}
}
