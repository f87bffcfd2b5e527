package sentiment

// hashed maps hashes of words to values. Every word of every text is looked up in several, so it is an array with open
// addressing.
type hashed[V any] []struct {
	hash  uint32 // 0 is free
	value V
}

// newHashed makes room for n words.
func newHashed[V any](n int) hashed[V] {
	size := 2
	for size < n+n/2 {
		size *= 2
	}
	return make(hashed[V], size)
}

// place is the index of a hash other than 0, or of the free slot for it.
func (t hashed[V]) place(h uint32) int {
	mask := len(t) - 1
	i := int((h^h>>15)*0x2c1b3c6d>>7) & mask
	for t[i].hash != 0 && t[i].hash != h {
		i = (i + 1) & mask
	}
	return i
}

// find is the value of a word, or the zero value.
func (t hashed[V]) find(h uint32) V { return t[t.place(max(h, 1))].value }

// put returns where to write the value of a word.
func (t hashed[V]) put(h uint32) *V {
	h = max(h, 1)
	i := t.place(h)
	t[i].hash = h
	return &t[i].value
}
