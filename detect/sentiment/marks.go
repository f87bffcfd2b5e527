package sentiment

// mark says what else a word is than itself.
type mark uint8

const (
	person  mark = 1 << iota // see people
	negator                  // turns what follows round
)

type markedWord struct {
	hash uint32
	mark mark // 0 is a free place
}

// marks are the words that are marked, by hash, open addressing: every word of every text is looked for among them, and few are found.
var marks = func() (table [1 << 13]markedWord) {
	put := func(h uint32, m mark) {
		i := spread(h, len(table))
		for table[i].mark != 0 && table[i].hash != h {
			i = (i + 1) & (len(table) - 1)
		}
		table[i].hash = h
		table[i].mark |= m
	}
	for h := range people {
		put(h, person)
	}
	for w := range negation {
		put(hashWord(w), negator)
	}
	return table
}()

func marked(h uint32) mark {
	i := spread(h, len(marks))
	for marks[i].mark != 0 {
		if marks[i].hash == h {
			return marks[i].mark
		}
		i = (i + 1) & (len(marks) - 1)
	}
	return 0
}
