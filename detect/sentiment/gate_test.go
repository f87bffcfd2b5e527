package sentiment

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Newspapers and tweets of one language use the same words. Their length and the accounts that they name separate them.
// Long texts of another language stay with that language, though none was in the training data.
func TestTheGateHearsLengthAndWhomOneWritesTo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	say := func(words string, n int) string {
		all := strings.Fields(words)
		var out []string
		for range n {
			out = append(out, all[rng.IntN(len(all))])
		}
		return strings.Join(out, " ")
	}
	const german = "zug wagen heute morgen bahnhof fahrt spät halle stadt brücke regen fenster"
	const english = "train coach today morning station ride late hall town bridge rain window"
	sets := []Set{{Lang: "en"}, {Lang: "de"}, {Lang: "de"}}
	for range 150 {
		sets[0].Examples = append(sets[0].Examples, Example{Neutral, say(english, 8)})
		sets[1].Examples = append(sets[1].Examples, Example{Neutral, say(german+" hallo leute", 8)}, Example{Neutral, "@karl " + say(german, 8)})
		sets[2].Examples = append(sets[2].Examples, Example{Neutral, say(german, 60)}, Example{Neutral, "@Acme_Help " + say(german, 8)})
	}
	m := &Model{langs: langsOf(sets)}
	m.learnLanguages()
	m.fitGate(itemsOf(sets))
	scorer := m.Scorer()
	for _, c := range []struct {
		text   string
		expert int
	}{{say(german, 8), 1}, {say(german, 60), 2}, {say(german, 300), 2}, {say(german+" hallo leute", 120), 2}, {"@acme_help " + say(german, 8), 2}, {"@somebody " + say(german, 8), 1}, {say(english, 60), 0}, {say(english, 300), 0}, {"@acme_help " + say(english, 30), 0}} {
		scorer.read(c.text)
		if scorer.b.shares[c.expert] < 0.5 {
			t.Errorf("%.40q of %d letters is expert %d's with %s", c.text, len(c.text), c.expert, fmt.Sprint(scorer.b.shares[:3]))
		}
	}
	long := m.gateSize[sizeOf(2000)*MaxExperts:][:3]
	if long[2] <= 0 || long[1] != -long[2] || long[0] != 0 {
		t.Errorf("a long text is by its length %v likelier to be in English, a German tweet, a German newspaper", long)
	}
}
