package sentiment

// mark says what else a word is than itself.
type mark uint8

const (
	person  mark = 1 << iota // see people
	negator                  // turns what follows round
)

// marks are the words that are marked.
var marks = func() hashed[mark] {
	out := newHashed[mark](len(people) + len(negation))
	for h := range people {
		*out.put(h) |= person
	}
	for w := range negation {
		*out.put(hashWord(w)) |= negator
	}
	return out
}()
