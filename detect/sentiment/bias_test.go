package sentiment

import (
	"math"
	"strings"
	"testing"
)

// The person in a text must hardly change its tone: swapped, the probability of negative moves by less than 0.05 on
// average. Names in no list move it a little more, because their letters are features. The swaps are written by hand.
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
	scorer := Default().Scorer()
	most := map[string]float64{"names": 0.05, "gender": 0.05, "nationality": 0.05}
	total, all := 0.0, 0
	for kind, langs := range swaps {
		for lang, who := range langs {
			moved, n := 0.0, 0
			for _, frame := range frames[lang] {
				var ps []float64
				for _, w := range who {
					ps = append(ps, float64(scorer.Score(strings.Replace(frame, "%s", w, 1))[Negative]))
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

// The spelling of a dialect must hardly change the tone.
func TestADialectMattersLittle(t *testing.T) {
	pairs := map[string][][2]string{
		"de": {
			{"Ich habe heute bei euch eingekauft.", "I hob heit bei eich eikafft."},
			{"Das ist nicht schlecht.", "Des is ned schlecht."},
			{"Der Zug fährt um acht.", "Da Zug foahrt um ochte."},
			{"Wir kommen morgen noch einmal vorbei.", "Mir kemman moang no amoi vorbei."},
			{"Was kostet das?", "Wat kost dat?"},
			{"Das weiß ich nicht.", "Dat weet ick nich."},
			{"Ich bin damit zufrieden.", "I bin damit zfriedn."},
			{"Die Lieferung ist nicht gekommen.", "D Lieferung isch ned cho."},
			{"Ein schöner Laden.", "E schöne Lade."},
			{"Das geht gar nicht.", "Des gäht goar net."},
		},
		"en": {
			{"He is always working late.", "He be working late."},
			{"They do not have any milk.", "They ain't got no milk."},
			{"I am going to the store.", "Imma go to the store."},
			{"You all should try this.", "Y'all should try this."},
			{"She has already finished the food.", "She done finished the food."},
			{"That is good.", "Dat good."},
			{"I do not know what they want.", "I dunno what dey want."},
			{"We were at the shop yesterday.", "We was at the shop yesterday."},
			{"My brother bought it for me.", "Ma bruv bought it fer me."},
			{"It is not working.", "It nae workin."},
		},
	}
	scorer := Default().Scorer()
	for lang, said := range pairs {
		moved := 0.0
		for _, p := range said {
			moved += math.Abs(float64(scorer.Score(p[0])[Negative] - scorer.Score(p[1])[Negative]))
		}
		mean := moved / float64(len(said))
		t.Logf("dialect, %s: %.3f", lang, mean)
		if mean >= 0.05 {
			t.Errorf("in dialect the negative share moves by %.3f on average in %s", mean, lang)
		}
	}
}
