package detect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// corpus is made of issues. Each has a wire report as papers print it, copied posts, and different posts about the
// same. Its language has two thousand words, and each word is mostly followed by a few others, as in real languages.
// Each issue has its own names and phrases, which all its texts use.
type corpus struct {
	r     *rand.Rand
	words []string
	after [][]int // likely next words
	texts []string
	story []int // the cluster of each text
	next  int
}

func newCorpus(seed uint64) *corpus {
	c := &corpus{r: rand.New(rand.NewPCG(seed, 1))}
	syllables := strings.Fields("ver ge be ung lich er ein aus kaff dir mon stell rück acht preis kund lad mark ort zeit wort the com ing ter ment con ple sta par ion ver ble tor")
	for range 2000 {
		w := ""
		for range 2 + c.r.IntN(3) {
			w += syllables[c.r.IntN(len(syllables))]
		}
		c.words = append(c.words, w)
		var next []int
		for range 25 {
			next = append(next, c.common())
		}
		c.after = append(c.after, next)
	}
	return c
}

// common is a word by Zipf's law.
func (c *corpus) common() int { return int(math.Pow(2000, c.r.Float64())) - 1 }

// matter is what an issue's texts share: names, and phrases of three to six words.
func (c *corpus) matter() (phrases []string) {
	for range 8 {
		phrases = append(phrases, c.run(3+c.r.IntN(4)))
	}
	return phrases
}

// run is a number of words in a row.
func (c *corpus) run(n int) string {
	var out []string
	w := c.common()
	for range n {
		out = append(out, c.words[w])
		if c.r.IntN(8) == 0 {
			w = c.common()
		} else {
			w = c.after[w][int(math.Pow(25, c.r.Float64()))-1]
		}
	}
	return strings.Join(out, " ")
}

// write is a text of about so many words, in which one part in five is the issue's own phrases.
func (c *corpus) write(n int, phrases []string) string {
	var out []string
	for have := 0; have < n; {
		part := c.run(6 + c.r.IntN(10))
		if c.r.IntN(2) == 0 {
			part += " " + phrases[c.r.IntN(len(phrases))]
		}
		out = append(out, part)
		have += len(strings.Fields(part))
	}
	return strings.Join(out, ". ")
}

// edit changes one word in so many.
func (c *corpus) edit(text string, one int) string {
	words := strings.Fields(text)
	for i := range words {
		if c.r.IntN(one) == 0 {
			words[i] = fmt.Sprintf("anders%c%c", 'a'+c.r.IntN(26), 'a'+c.r.IntN(26))
		}
	}
	return strings.Join(words, " ")
}

func (c *corpus) add(story int, text string) {
	c.texts, c.story = append(c.texts, text), append(c.story, story)
}

func makeCorpus(seed uint64, matters int) *corpus {
	c := newCorpus(seed)
	for range matters {
		phrases := c.matter()
		own := func() string { return "acme " + c.write(7+c.r.IntN(25), phrases) }
		// A wire report of 100 to 400 words, printed by up to twelve papers, each with its headline, its cut and its
		// edits.
		wire := strings.Fields(c.write(100+c.r.IntN(300), phrases))
		c.next++
		for range 2 + c.r.IntN(11) {
			n := len(wire)*2/5 + c.r.IntN(len(wire)*3/5+1)
			c.add(c.next, c.write(8, phrases)+" (dpa) "+c.edit(strings.Join(wire[:n], " "), 25))
		}
		// Copied posts: with a mark before, a link and tags behind, a word changed.
		for range 3 {
			c.next++
			post := own()
			c.add(c.next, post)
			for range c.r.IntN(6) {
				var copied string
				switch c.r.IntN(4) {
				case 0:
					copied = "RT @user" + fmt.Sprint(c.r.IntN(99)) + ": " + post
				case 1:
					copied = post + " #acme #kaffee https://t.example/" + fmt.Sprint(c.r.IntN(1e6))
				case 2:
					copied = strings.ToUpper(post) + " 😡😡"
				default:
					words := strings.Fields(post)
					words[c.r.IntN(len(words))] = "geändert"
					copied = strings.Join(words, " ")
				}
				c.add(c.next, copied)
			}
		}
		// Different posts about the same, some of which quote the report's first words.
		for range 12 {
			c.next++
			text := own()
			if c.r.IntN(5) == 0 {
				text = strings.Join(wire[:5], " ") + "? " + text
			}
			c.add(c.next, text)
		}
	}
	c.r.Shuffle(len(c.texts), func(i, j int) {
		c.texts[i], c.texts[j] = c.texts[j], c.texts[i]
		c.story[i], c.story[j] = c.story[j], c.story[i]
	})
	return c
}

// Nearly all pairs of texts in one found cluster belong together, and nearly all pairs that belong together are found.
// The corpora are not those on which the bounds were chosen.
func TestNearDuplicatesFormOneCluster(t *testing.T) {
	right, told, are := 0, 0, 0
	n := 0
	for seed := range uint64(10) {
		c := makeCorpus(seed+1000, 20)
		var s clusters
		group := make([]int, len(c.texts))
		for i, text := range c.texts {
			_, group[i] = s.insert(text, int64(i))
		}
		n += len(c.texts)
		for i := range c.texts {
			for j := range i {
				same, as := c.story[i] == c.story[j], group[i] >= 0 && group[i] == group[j]
				if same {
					are++
				}
				if as {
					told++
				}
				if same && as {
					right++
				}
			}
		}
	}
	precision, recall := float64(right)/float64(told), float64(right)/float64(are)
	t.Logf("%d texts, %d pairs of one story: precision %.4f, recall %.4f", n, are, precision, recall)
	if precision < 0.98 || recall < 0.95 {
		t.Errorf("precision %.4f, recall %.4f; want 0.98 and 0.95", precision, recall)
	}
}

func TestStoriesAreRememberedWithinABound(t *testing.T) {
	c := makeCorpus(1, 1)
	wire := c.run(60)
	var s clusters
	s.insert(wire, 0)
	s.insert(wire, 1)
	for i := range 5 * clustersKept { // many other texts
		s.insert(fmt.Sprintf("acme %c%c %c%c%c is %s a b%d", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, 'a'+i%7, 'b'+i%11, c.run(12), i), 2)
	}
	if times, _ := s.insert(wire, 3); times != 3 || len(s.Kept) > clustersKept || len(s.byHash) > clustersKept*sketchSize {
		t.Errorf("told the third time, it is the %dth; %d clusters, %d hashes", times, len(s.Kept), len(s.byHash))
	}
	if times, _ := s.insert(wire, 3+clusterMinutes+1); times != 1 {
		t.Errorf("two days later it is the %dth time", times)
	}
	for _, text := range []string{"", "danke!", "so gut", "ok ok ok"} {
		if times, which := s.insert(text, 5); times != 1 || which != -1 {
			t.Errorf("%q is a story", text)
		}
	}
	for _, pair := range [][2]string{
		{"東京行きの電車がまた遅れています", "東京行きの電車がまた遅れています！"},
		{"Acme ruft Kaffee zurück und sagt nichts", "ACME RUFT KAFFEE ZURÜCK UND SAGT NICHTS https://t.example/1 @wer"},
	} {
		s.insert(pair[0], 10)
		if times, _ := s.insert(pair[1], 11); times != 2 {
			t.Errorf("%q is not taken for %q", pair[1], pair[0])
		}
	}
}

func BenchmarkClusters(b *testing.B) {
	c := makeCorpus(3, 40)
	var s clusters
	size := 0
	for _, text := range c.texts {
		size += len(text)
	}
	b.ReportAllocs()
	b.SetBytes(int64(size / len(c.texts)))
	for i := 0; b.Loop(); i++ {
		s.insert(c.texts[i%len(c.texts)], int64(i/1000))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "texts/s")
}
