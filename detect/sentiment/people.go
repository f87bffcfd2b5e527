package sentiment

import (
	_ "embed" // the names
	"strings"
)

//go:embed names.txt
var names string

// people are words for who somebody is: names, sex, nationality, religion, origin. They are read as one and the same
// word, so that the tone does not depend on the person.
var people = func() map[uint32]bool {
	out := map[uint32]bool{}
	add := func(stems string, ends ...string) {
		for _, s := range strings.Fields(stems) {
			for _, e := range ends {
				out[hashWord(s+e)] = true
			}
		}
	}
	add(`woman women man men girl boy guy lady gentleman gentlemen male female american german turk turkish pole polish syrian mexican russian nigerian chinese
		japanese french frenchman frenchwoman italian spanish spaniard british briton englishman irish scottish dutch greek swede swedish dane danish austrian swiss czech
		hungarian romanian bulgarian ukrainian serbian croatian albanian indian pakistani afghan iranian iraqi israeli palestinian egyptian moroccan tunisian algerian
		african asian arab arabic jew jewish muslim islamic hindu buddhist catholic protestant gay lesbian transgender immigrant migrant refugee foreigner`, "", "s", "'s")
	add("ladie", "s")
	add(`deutsch türkisch polnisch syrisch mexikanisch russisch nigerianisch chinesisch japanisch französisch italienisch spanisch britisch englisch irisch
		niederländisch griechisch schwedisch dänisch österreichisch schweizerisch tschechisch ungarisch rumänisch bulgarisch ukrainisch serbisch kroatisch albanisch indisch
		pakistanisch afghanisch iranisch irakisch israelisch palästinensisch ägyptisch marokkanisch afrikanisch asiatisch arabisch amerikanisch jüdisch muslimisch
		islamisch katholisch evangelisch schwul lesbisch weiblich männlich`, "", "e", "en", "er", "es", "em")
	add(`amerikaner mexikaner nigerianer japaner italiener spanier engländer niederländer schweizer österreicher ungar bulgar ukrainer inder pakistaner iraner iraker
		palästinenser syrer ägypter marokkaner tunesier algerier afrikaner araber albaner ausländer einwanderer zuwanderer muslim moslem christ katholik migrant
		flüchtling asylant jud türk pol syr russ chines franzos brit ir grieche schwed dän tscheche rumän serb kroat afghan israeli asiat verkäufer`, "", "e", "en", "n", "in", "innen", "s", "es")
	add("französ jüd", "in", "innen")
	add("frau frauen mann männer männern mädchen herr herren dame damen kerl typ", "", "s", "es")
	for _, line := range strings.Split(names, "\n") {
		if !strings.HasPrefix(line, "#") {
			add(line, "", "s", "'s")
		}
	}
	return out
}()

// someone is the word that replaces people.
var someone = hashWord("~someone")
