// Package story makes the demo's crisis: three weeks of an invented maker of coffee machines, as the mentions that
// people and papers would publish. It knows nothing of brandmelder but the form of a mention: what is made of them is
// the daemon's doing.
package story

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
)

// The events of the story, beside ordinary life.
const (
	Campaign   = "campaign"   // a happy campaign
	Bots       = "bots"       // a flood of one sentence
	Competitor = "competitor" // the competitor's trouble
	Joke       = "joke"       // an evening's joke that dies
	Storm      = "storm"      // a faulty product; from X into the news
)

// Events are all of them, in the order of their time.
var Events = []string{Campaign, Bots, Competitor, Joke, Storm}

// The story's time, UTC.
var (
	Begins = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	Ends   = Begins.Add(21 * 24 * time.Hour)
)

// Starts says when each event begins.
var Starts = map[string]time.Time{
	Campaign:   time.Date(2026, 3, 11, 9, 0, 0, 0, time.UTC),
	Bots:       time.Date(2026, 3, 13, 13, 0, 0, 0, time.UTC),
	Competitor: time.Date(2026, 3, 15, 15, 0, 0, 0, time.UTC),
	Joke:       time.Date(2026, 3, 17, 19, 0, 0, 0, time.UTC),
	Storm:      time.Date(2026, 3, 19, 17, 40, 0, 0, time.UTC),
}

type teller struct {
	r   *rand.Rand
	out []brand.Mention
}

// Tell returns the mentions of the story with the given events, in the order of their time. The same events give the
// same story, and each event is the same whichever others there are.
func Tell(events ...string) []brand.Mention {
	var all []brand.Mention
	for i, part := range append([]string{"life"}, Events...) {
		if part != "life" && !slices.Contains(events, part) {
			continue
		}
		t := &teller{r: rand.New(rand.NewPCG(2026, uint64(i)))}
		parts[part](t)
		for j := range t.out {
			t.out[j].ID = fmt.Sprintf("%s-%05d", part, j)
		}
		all = append(all, t.out...)
	}
	slices.SortStableFunc(all, func(a, b brand.Mention) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return all
}

var parts = map[string]func(*teller){
	"life": (*teller).life, Campaign: (*teller).campaign, Bots: (*teller).bots, Competitor: (*teller).competitor, Joke: (*teller).joke, Storm: (*teller).storm,
}

// during adds mentions by a Poisson process whose rate an hour changes with the time.
func (t *teller) during(from, to time.Time, rate func(at time.Time) float64, make func(at time.Time) brand.Mention) {
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		for range t.poisson(rate(at) / 60) {
			t.out = append(t.out, make(at.Add(time.Duration(t.r.IntN(60000))*time.Millisecond)))
		}
	}
}

func (t *teller) poisson(mean float64) int {
	limit, p, n := math.Exp(-mean), t.r.Float64(), 0
	for p > limit {
		p *= t.r.Float64()
		n++
	}
	return n
}

func (t *teller) pick(list []string) string { return list[t.r.IntN(len(list))] }

// say fills the slots of a sentence: {word} by one of the words of that name.
func (t *teller) say(sentence string) string {
	for {
		from := strings.IndexByte(sentence, '{')
		if from < 0 {
			return sentence
		}
		to := from + strings.IndexByte(sentence[from:], '}')
		sentence = sentence[:from] + t.pick(slots[sentence[from+1:to]]) + sentence[to+1:]
	}
}

// post is somebody's post.
func (t *teller) post(at time.Time, lang, text string) brand.Mention {
	n := t.r.IntN(6000)
	source := "x"
	switch t.r.IntN(10) {
	case 0, 1:
		source = "mastodon"
	case 2:
		source = "reddit"
	}
	kind := brand.Post
	if t.r.IntN(4) == 0 {
		kind = brand.Reply
	}
	return brand.Mention{
		Source: source, At: at, Author: fmt.Sprintf("%s%d", t.pick(names), n), Followers: int64(math.Exp(t.r.NormFloat64()*1.3 + 5)),
		Text: text, Lang: lang, Kind: kind, Likes: int64(t.r.ExpFloat64() * 3),
	}
}

func article(at time.Time, lang, paper, title, text string) brand.Mention {
	host := strings.ToLower(strings.NewReplacer(" ", "-", "ä", "ae", "ö", "oe", "ü", "ue").Replace(paper)) + ".example"
	return brand.Mention{Source: "feed", At: at, Author: host, AuthorName: paper, Title: title, Text: text, URL: "https://" + host + "/" + at.Format("20060102-1504"), Lang: lang, Kind: brand.Article, Followers: 120000}
}

// lang is German for three in five.
func (t *teller) lang() string {
	if t.r.IntN(5) < 3 {
		return "de"
	}
	return "en"
}

// people is how much people write at a time of the day and week, 1 on average, in Berlin in winter.
func people(at time.Time) float64 {
	local := at.Add(time.Hour)
	h := float64(local.Hour()) + float64(local.Minute())/60
	day := 0.12 + 1.6*math.Exp(-math.Pow((h-14)/5.2, 2)) + 0.7*math.Exp(-math.Pow((h-20)/1.8, 2))
	if wd := local.Weekday(); wd == time.Saturday || wd == time.Sunday {
		day *= 0.75
	}
	return day
}

func (t *teller) life() {
	mood := 1.0
	t.during(Begins, Ends, func(at time.Time) float64 {
		if at.Hour() == 0 && at.Minute() == 0 {
			mood = math.Exp(t.r.NormFloat64() * 0.15)
		}
		return 11 * mood * people(at)
	}, func(at time.Time) brand.Mention {
		lang := t.lang()
		var m brand.Mention
		switch n := t.r.IntN(100); {
		case n < 6:
			m = t.post(at, lang, t.say(t.pick(rival[lang])))
		case n < 24:
			m = t.post(at, lang, t.say(t.pick(grumble[lang])+" {"+lang+"-end}"))
		case n < 60:
			m = t.post(at, lang, t.say(t.pick(happy[lang])+" {"+lang+"-end}"))
		case n < 62 && people(at) > 0.8:
			m = article(at, lang, t.pick(papers[lang]), t.say(t.pick(news[lang])), t.say(t.pick(newsText[lang])))
		default:
			m = t.post(at, lang, t.say(t.pick(plain[lang])+" {"+lang+"-end}"))
		}
		return m
	})
}

func (t *teller) campaign() {
	from := Starts[Campaign]
	t.during(from, from.Add(12*time.Hour), func(at time.Time) float64 {
		h := at.Sub(from).Hours()
		return 60 * math.Exp(-h/4) * min(1, h*2+0.2)
	}, func(at time.Time) brand.Mention {
		lang := t.lang()
		return t.post(at, lang, t.say(t.pick(delight[lang])+" {"+lang+"-joy}"))
	})
}

func (t *teller) bots() {
	from := Starts[Bots]
	t.during(from, from.Add(90*time.Minute), func(time.Time) float64 { return 400 }, func(at time.Time) brand.Mention {
		m := t.post(at, "en", fmt.Sprintf("@moccaria scam alert: Moccaria machines are overpriced garbage, buy real coffee here https://deal%d.example/%d", t.r.IntN(50), t.r.IntN(10000)))
		m.Source, m.Kind, m.Author, m.Followers = "x", brand.Post, fmt.Sprintf("user%08d", t.r.IntN(90000000)), int64(t.r.IntN(5))
		return m
	})
}

func (t *teller) competitor() {
	from := Starts[Competitor]
	t.during(from, from.Add(10*time.Hour), func(at time.Time) float64 {
		h := at.Sub(from).Hours()
		return 90 * math.Exp(-h/3) * min(1, h+0.1)
	}, func(at time.Time) brand.Mention {
		lang := t.lang()
		if t.r.IntN(9) == 0 {
			return t.post(at, lang, t.say(t.pick(compare[lang])))
		}
		return t.post(at, lang, t.say(t.pick(rivalTrouble[lang])+" {"+lang+"-rage}"))
	})
	t.out = append(t.out, article(from.Add(2*time.Hour), "de", "Tagespost", "Brewster: Tausende Pads verschimmelt", "Brewster nimmt nach Beschwerden Kaffeepads aus dem Handel."))
}

func (t *teller) joke() {
	from := Starts[Joke]
	t.during(from, from.Add(4*time.Hour), func(at time.Time) float64 {
		h := at.Sub(from).Hours()
		return 55 * math.Exp(-h/1.1) * min(1, h*2+0.1)
	}, func(at time.Time) brand.Mention {
		lang := t.lang()
		return t.post(at, lang, t.say(t.pick(jokes[lang])+" {laugh}"))
	})
}

func (t *teller) storm() {
	from := Starts[Storm]
	first := t.post(from.Add(20*time.Second), "de", "Meine Moccaria Uno hat eben Feuer gefangen. Einfach so, beim Aufheizen. Die halbe Küche voller Rauch, meine Tochter stand daneben. @moccaria was ist los mit euch?")
	first.Author, first.AuthorName, first.Source, first.Followers, first.Kind, first.Reposts = "lena_k", "Lena K.", "x", 412, brand.Post, 1830
	t.out = append(t.out, first)
	rate := func(at time.Time) float64 {
		h := at.Sub(from).Hours()
		rise := min(1, 0.3+h/1.5)                                       // it spreads from account to account
		fall := math.Exp(-max(0, h-4) / 6)                              // and tires
		next := 0.5 * math.Exp(-math.Pow((h-15.5)/2.5, 2))              // the next morning, with the papers
		return 420 * (rise*fall*people(at)/1.2 + next*people(at) + .01) // voices an hour
	}
	t.during(from, from.Add(40*time.Hour), rate, func(at time.Time) brand.Mention {
		lang := t.lang()
		switch n := t.r.IntN(100); {
		case n < 18:
			m := t.post(at, "de", "RT @lena_k: "+first.Text)
			m.Source, m.Kind = "x", brand.Repost
			return m
		case n < 30:
			return t.post(at, lang, t.say(t.pick(stormService[lang])+" {"+lang+"-rage}"))
		}
		return t.post(at, lang, t.say("{"+lang+"-open} "+t.pick(stormTexts[lang])+" {"+lang+"-rage}"))
	})
	witness := t.post(from.Add(25*time.Minute), "de", "Schon der dritte Fall, den ich heute sehe: Moccaria Uno brennt beim Aufheizen. Wer hat noch so ein Gerät? Bitte ausstecken! #moccaria")
	witness.Author, witness.AuthorName, witness.Source, witness.Followers = "verbraucherjonas", "Jonas testet", "x", 86400
	t.out = append(t.out, witness)
	for i, a := range stormNews {
		lang := "de"
		if a[0] == "Morning Ledger" || a[0] == "The Kettle" {
			lang = "en"
		}
		t.out = append(t.out, article(from.Add(70*time.Minute+time.Duration(i)*37*time.Minute), lang, a[0], a[1], a[2]))
	}
}
