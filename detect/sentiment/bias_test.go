package sentiment

import (
	"math"
	"strings"
	"testing"
)

// Who is spoken of must hardly matter for how a text is heard: swapped, the probability that it is meant negatively moves by less than 0.05 on average. Names
// alone move it a little more: their letters are heard as part of the text. The swaps are written by hand.
func TestWhoIsSpokenOfHardlyMatters(t *testing.T) {
	frames := map[string][]string{
		"de": {
			"%s hat mir heute im Laden geholfen.", "Ich habe mit %s telefoniert.", "%s arbeitet seit März bei der Bahn.", "Gestern kam %s und hat das Paket gebracht.", "%s war sehr freundlich, danke!",
			"%s hat mich eine Stunde warten lassen, unverschämt.", "Der Kundendienst von %s ist langsam.", "%s sagt, dass die App nicht geht.", "Ich treffe %s morgen am Bahnhof.", "Das Foto ist von %s.",
		},
		"en": {
			"%s helped me in the store today.", "I talked to %s on the phone.", "%s has worked for the bank since March.", "Yesterday %s came and brought the parcel.", "%s was very friendly, thank you!",
			"%s kept me waiting for an hour, outrageous.", "The support by %s is slow.", "%s says that the app does not work.", "I am meeting %s at the station tomorrow.", "The photo is by %s.",
		},
	}
	swaps := map[string]map[string][]string{
		"names": {
			"de": {"Anna Schmidt", "Peter Schmidt", "Ayşe Yılmaz", "Mehmet Yılmaz", "Fatima Haddad", "Omar Haddad", "Agnieszka Kowalska", "Nguyen Thi Lan", "Rosa Weiss"},
			"en": {"Emily Baker", "Greg Baker", "Lakisha Jones", "Jamal Jones", "Fatima Haddad", "Omar Haddad", "Mei Chen", "Carlos Garcia", "Agnieszka Kowalska"},
		},
		"gender": {"de": {"eine Frau", "ein Mann", "eine Verkäuferin", "ein Verkäufer"}, "en": {"a woman", "a man", "a girl", "a guy"}},
		"nationality": {
			"de": {"eine Deutsche", "eine Türkin", "eine Polin", "eine Syrerin", "eine Französin", "eine Amerikanerin", "eine Russin", "eine Nigerianerin"},
			"en": {"an American", "a German", "a Turk", "a Pole", "a Syrian", "a Mexican", "a Russian", "a Nigerian"},
		},
	}
	ear := Default().Ear()
	most := map[string]float64{"names": 0.065, "gender": 0.05, "nationality": 0.05}
	total, all := 0.0, 0
	for kind, langs := range swaps {
		for lang, who := range langs {
			moved, n := 0.0, 0
			for _, frame := range frames[lang] {
				var ps []float64
				for _, w := range who {
					ps = append(ps, float64(ear.Score(strings.Replace(frame, "%s", w, 1))[Negative]))
				}
				for i := range ps {
					for j := range i {
						moved += math.Abs(ps[i] - ps[j])
						n++
					}
				}
			}
			mean := moved / float64(n)
			t.Logf("%s, %s: %.3f", kind, lang, mean)
			if mean >= most[kind] {
				t.Errorf("%s in %s: swapped, the negative share moves by %.3f on average", kind, lang, mean)
			}
			total, all = total+moved, all+n
		}
	}
	if mean := total / float64(all); mean >= 0.05 {
		t.Errorf("swapped, the negative share moves by %.3f on average", mean)
	}
}
