package sentiment

import (
	"fmt"
	"testing"
)

// The certainty of an expert is learned from texts that were left out of training, also that of being about the
// subject.
func TestTextsSetAsideAreLeftOutOfAllThatIsLearned(t *testing.T) {
	var sets []Set
	for k := range 3 {
		var set Set
		for i := range 7 {
			set.Examples = append(set.Examples, Example{Neutral, fmt.Sprint("set ", k, " text ", i)})
			set.About = append([]Example{{1, fmt.Sprint("set ", k, " text ", i)}}, set.About...) // in another order
		}
		set.About = append(set.About, Example{0, "a further text"})
		sets = append(sets, set)
	}
	all := itemsOf(sets)
	_, rest := aside(all, 5)
	held := map[string]bool{}
	for _, it := range rest {
		for i := range all {
			if &all[i].fs[0] == &it.fs[0] {
				held[sets[i/7].Examples[i%7].Text] = true
			}
		}
	}
	for _, set := range sets {
		left := withoutAside(set.About, sets, 5)
		for _, ex := range left {
			if held[ex.Text] {
				t.Errorf("%q is set aside and learned from", ex.Text)
			}
		}
		want := len(set.About)
		for _, ex := range set.About {
			if held[ex.Text] {
				want--
			}
		}
		if len(left) != want || want == len(set.About) {
			t.Errorf("%d of %d are left, want %d", len(left), len(set.About), want)
		}
	}
}
