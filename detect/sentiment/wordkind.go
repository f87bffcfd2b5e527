package sentiment

// wordKind says what a word is besides a word.
type wordKind uint8

const (
	person  wordKind = 1 << iota // see people
	negator                      // reverses the tone of what follows
)

// wordKinds are the words of a kind.
var wordKinds = func() hashed[wordKind] {
	out := newHashed[wordKind](len(people) + len(negation))
	for h := range people {
		*out.put(h) |= person
	}
	for w := range negation {
		*out.put(hashWord(w)) |= negator
	}
	return out
}()
