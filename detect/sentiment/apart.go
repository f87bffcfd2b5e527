package sentiment

import "slices"

// alike is the least share of common words, of all words of two texts, from which on they count as near-duplicates
// (Jaccard 1901).
const alike = 0.8

// Apart returns the examples that are not near-duplicates of the others: a model must not be measured on texts that it
// was trained on. Links, names and single letters are ignored.
func Apart(examples, others []Example) []Example {
	where := map[uint32][]int{} // indexes of the others, by word
	sets := make([][]uint32, len(others))
	var f features
	for i, o := range others {
		sets[i] = f.set(o.Text)
		for _, w := range sets[i] {
			where[w] = append(where[w], i)
		}
	}
	shared := make([]int, len(others))
	return slices.DeleteFunc(slices.Clone(examples), func(ex Example) bool {
		words := f.set(ex.Text)
		var touched []int
		for _, w := range words {
			for _, i := range where[w] {
				if shared[i]++; shared[i] == 1 {
					touched = append(touched, i)
				}
			}
		}
		same := false
		for _, i := range touched {
			both := float64(shared[i])
			same = same || both >= alike*(float64(len(words)+len(sets[i]))-both)
			shared[i] = 0
		}
		return same
	})
}

// set is the text's words, each once.
func (f *features) set(text string) []uint32 {
	f.extract(text)
	var out []uint32
	start := 0
	for i, end := range f.ends {
		if w := string(f.buf[start+1 : end-1]); len(w) > 1 && w != "http" && w != "@user" {
			out = append(out, f.hashes[i])
		}
		start = end
	}
	slices.Sort(out)
	return slices.Compact(out)
}
