package detect

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"brandmelder/brand"
	"brandmelder/query"
	"brandmelder/store"
)

const (
	evidenceTerms    = 8
	evidenceSamples  = 5
	evidenceClusters = 3
	clusterLeast     = 3 // copies
	minTerm          = 3
	campaignLeast    = 20 // mentions
)

// Evidence summarizes the spike's mentions: what they say that the topic's mentions before did not, and who says it.
// Both slices may come in any order.
func Evidence(kind brand.SpikeKind, spike, before []store.Matched) brand.Evidence {
	spike = slices.Clone(spike)
	slices.SortFunc(spike, func(a, b store.Matched) int {
		return cmp.Or(a.Mention.At.Compare(b.Mention.At), cmp.Compare(a.Mention.ID, b.Mention.ID))
	})
	ev := brand.Evidence{Mentions: len(spike), Sources: map[string]int{}, Languages: map[string]int{}}
	followers := map[string]int64{}
	for _, m := range spike {
		ev.Voices += m.Weight
		if m.Mention.Author != "" {
			who := m.Mention.Source + "\x00" + m.Mention.Author
			followers[who] = max(followers[who], m.Mention.Followers)
		}
		ev.Sources[m.Mention.Source]++
		if m.Mention.Lang != "" {
			ev.Languages[m.Mention.Lang]++
		}
		if m.Mention.Kind == brand.Article {
			ev.Articles++
		}
	}
	ev.Voices, ev.Authors = round(ev.Voices), len(followers)
	for _, n := range followers {
		if n > 0 && n < brand.SmallAccount {
			ev.Small++
		}
	}
	ev.Campaign = ev.Mentions >= campaignLeast && ev.Voices < 0.5*float64(ev.Mentions) && ev.Authors >= campaignLeast/2 && 2*ev.Small >= ev.Authors
	said := allTerms(spike)
	ev.Terms = distinctive(kind, spike, before, said)
	ev.Samples = representative(kind, spike, said, ev.Terms)
	ev.Clusters = mostCopied(spike)
	ev.Amplifiers = amplifiers(spike)
	if len(spike) > 0 {
		ev.First = &spike[0].Mention
	}
	ev.Sketch = mentionSketch(spike)
	return ev
}

// mentionSketch is a bottom-k sketch of the mentions (Cohen & Kaplan 2007). From the sketches of two sets, the share of
// the smaller set that is in the larger one can be estimated.
func mentionSketch(ms []store.Matched) []uint32 {
	const k = 64
	out := make([]uint32, 0, len(ms))
	for i := range ms {
		out = append(out, uint32(hashString(ms[i].Mention.ID)))
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.Clone(out[:min(len(out), k)])
}

// terms are the words and pairs of neighbouring words of a text, folded, each once, with their spelling in the text.
func terms(text string) map[string]string {
	out := map[string]string{}
	last := query.Word{}
	for _, w := range query.Words(text) {
		if len([]rune(w.Folded)) < minTerm || strings.HasPrefix(w.Folded, "http") || stop[w.Folded] || strings.Trim(w.Folded, "0123456789") == "" {
			last = query.Word{}
			continue
		}
		out[w.Folded] = w.Written
		if last.Folded != "" {
			out[last.Folded+" "+w.Folded] = last.Written + " " + w.Written
		}
		last = w
	}
	return out
}

// allTerms are the terms of each mention.
func allTerms(ms []store.Matched) []map[string]string {
	out := make([]map[string]string, len(ms))
	for i := range ms {
		out[i] = terms(ms[i].Mention.Body())
	}
	return out
}

// distinctive returns the terms with the highest z-score of the log odds of their use in the spike against before, with
// an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, "Fightin' Words"). The prior is the use before, and a
// little for each term, so that a topic without mentions before shows the most frequent terms. A copied text counts by
// its weight. A word that nearly all mentions have, now and before, is left out: it is the topic's own name. said are
// the terms of the spike's mentions.
func distinctive(kind brand.SpikeKind, spike, before []store.Matched, said []map[string]string) []brand.Term {
	count := func(ms []store.Matched, said func(i int) map[string]string, meant func(*store.Matched) float64) (map[string]float64, map[string]int, float64) {
		weight, n, total := map[string]float64{}, map[string]int{}, 0.0
		for i := range ms {
			w := ms[i].Weight * meant(&ms[i])
			for t := range said(i) {
				weight[t] += w
				n[t]++
				total += w
			}
		}
		return weight, n, total
	}
	// In a crisis, complaints count and thanks count little; in praise it is the other way round.
	now, n, nowTotal := count(spike, func(i int) map[string]string { return said[i] }, func(m *store.Matched) float64 {
		if kind == brand.Praise {
			return 1 - 0.8*m.Negative
		}
		return 1 - 0.8*m.Positive
	})
	old, nOld, oldTotal := count(before, func(i int) map[string]string { return terms(before[i].Mention.Body()) }, func(*store.Matched) float64 { return 1 })
	const (
		most   = 500.0 // strength of the prior, in terms
		little = 0.5   // for each term
		nearly = 0.9   // the share of nearly all mentions
	)
	kinds := len(now)
	for t := range old {
		if _, ok := now[t]; !ok {
			kinds++
		}
	}
	background := oldTotal + little*float64(kinds)
	prior, least := min(most, background), 0.5
	if oldTotal < most {
		least = math.Inf(-1) // too few mentions before to compare with: only the order counts
	}
	var out []brand.Term
	written := spellings(said)
	for t, y := range now {
		if n[t] < 2 || y < 1.2 {
			continue
		}
		if float64(n[t]) > nearly*float64(len(spike)) && float64(nOld[t]) >= nearly*float64(len(before)) {
			continue
		}
		a := prior * (old[t] + little) / background
		i, j := y+a, old[t]+a
		delta := math.Log(i/(nowTotal+prior-i)) - math.Log(j/(oldTotal+prior-j))
		if z := delta / math.Sqrt(1/i+1/j); z > least {
			out = append(out, brand.Term{Text: t, Score: round(z), Count: n[t]})
		}
	}
	slices.SortFunc(out, func(a, b brand.Term) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	out = withoutEchoes(out)
	for i := range out {
		out[i].Text = written[out[i].Text]
	}
	return out
}

// spellings is the most frequent spelling of each term. Of two as frequent, it is the first by the alphabet.
func spellings(said []map[string]string) map[string]string {
	counts := map[string]map[string]int{}
	for _, terms := range said {
		for folded, as := range terms {
			if counts[folded] == nil {
				counts[folded] = map[string]int{}
			}
			counts[folded][as]++
		}
	}
	best := map[string]string{}
	for folded, forms := range counts {
		for as, n := range forms {
			if b, ok := best[folded]; !ok || n > forms[b] || n == forms[b] && as < b {
				best[folded] = as
			}
		}
	}
	return best
}

// withoutEchoes keeps the strongest terms. It leaves out a word that a stronger pair holds, and a pair that overlaps a
// stronger one.
func withoutEchoes(ts []brand.Term) []brand.Term {
	var out []brand.Term
	used := map[string]bool{}
	for _, t := range ts {
		if len(out) == evidenceTerms {
			break
		}
		words := strings.Fields(t.Text)
		if slices.ContainsFunc(words, func(w string) bool { return used[w] }) {
			continue
		}
		for _, w := range words {
			used[w] = true
		}
		out = append(out, t)
	}
	return out
}

func foldTerm(text string) string {
	var parts []string
	for _, w := range query.Words(text) {
		parts = append(parts, w.Folded)
	}
	return strings.Join(parts, " ")
}

// representative returns mentions that hold many distinctive terms and differ from one another.
func representative(kind brand.SpikeKind, spike []store.Matched, said []map[string]string, ts []brand.Term) []brand.Mention {
	type candidate struct {
		m      *brand.Mention
		score  float64
		sketch sketch
	}
	var cs []candidate
	for i := range spike {
		m := &spike[i].Mention
		has := said[i]
		score := 0.0
		for _, t := range ts {
			if _, ok := has[foldTerm(t.Text)]; ok {
				score += t.Score
			}
		}
		score = score/math.Sqrt(float64(len(has))+4) + 0.1*math.Log1p(float64(m.Followers+10*m.Reposts))
		if kind == brand.Praise {
			score += spike[i].Positive
		} else {
			score += spike[i].Negative
		}
		if m.Kind == brand.Repost {
			score /= 4
		}
		sketch, _ := newSketch(m.Text)
		cs = append(cs, candidate{m, score, sketch})
	}
	slices.SortStableFunc(cs, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	var out []brand.Mention
	var shown []sketch
	for _, c := range cs {
		if slices.ContainsFunc(shown, func(p sketch) bool { return p.alike(&c.sketch) }) || slices.ContainsFunc(out, func(m brand.Mention) bool { return m.Text == c.m.Text }) {
			continue
		}
		shown = append(shown, c.sketch)
		out = append(out, *c.m)
		if len(out) == evidenceSamples {
			break
		}
	}
	return out
}

// mostCopied returns the near-duplicate clusters with the most copies.
func mostCopied(spike []store.Matched) []brand.Cluster {
	var s clusters
	var out []brand.Cluster
	first := map[int]int{} // index in Kept to index in out
	authors := map[int]map[string]bool{}
	for i := range spike {
		m := &spike[i].Mention
		times, which := s.insert(m.Text, m.At.Unix()/60)
		at, known := first[which]
		switch {
		case which < 0:
			continue
		case times == 1 || !known:
			at = len(out)
			first[which], authors[at] = at, map[string]bool{}
			out = append(out, brand.Cluster{First: *m, Sources: map[string]int{}})
		}
		o := &out[at]
		o.Copies++
		o.Sources[m.Source]++
		if who := m.Source + "\x00" + m.Author; !authors[at][who] {
			authors[at][who] = true
			o.Reach += m.Followers
		}
	}
	out = slices.DeleteFunc(out, func(c brand.Cluster) bool { return c.Copies < clusterLeast })
	slices.SortStableFunc(out, func(a, b brand.Cluster) int { return cmp.Compare(b.Copies, a.Copies) })
	return out[:min(len(out), evidenceClusters)]
}

func amplifiers(spike []store.Matched) []brand.Amplifier {
	by := map[string]*brand.Amplifier{}
	for _, m := range spike {
		if m.Mention.Author == "" {
			continue
		}
		key := m.Mention.Source + "\x00" + m.Mention.Author
		a := by[key]
		if a == nil {
			a = &brand.Amplifier{Author: m.Mention.Author, Name: m.Mention.AuthorName, Source: m.Mention.Source}
			by[key] = a
		}
		a.Mentions++
		a.Reach = max(a.Reach, m.Mention.Followers) + m.Mention.Reposts
	}
	var out []brand.Amplifier
	for _, a := range by {
		if a.Reach >= 1000 || a.Mentions >= 3 {
			out = append(out, *a)
		}
	}
	slices.SortFunc(out, func(a, b brand.Amplifier) int {
		return cmp.Or(cmp.Compare(b.Reach, a.Reach), cmp.Compare(b.Mentions, a.Mentions), cmp.Compare(a.Source+a.Author, b.Source+b.Author))
	})
	return out[:min(len(out), evidenceSamples)]
}
