package alert

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"brandmelder/alert/foreign"
	"brandmelder/incident"

	"golang.org/x/text/unicode/norm"
)

// A language model, or somebody who writes for the model to read, may put into a draft what the company never said: an
// address, a phone number, an amount of money, a promise. Each such part that no approved text of the incident says is
// flagged, and a person confirms it before the draft can be approved. The search errs on the side of flagging: a flag
// costs one look. No list of patterns is complete, so a draft that a model wrote has one flag more, for all its words.

// Flags returns what a person has to confirm of a statement if its text is this: first, where a model wrote it, that it
// did; then what the text says and no approved text of the incident does, in the text's order. A playbook's own text
// has none. Approved are the playbook's statements and answers in all its languages, filled in.
func (d *Desk) Flags(in *incident.State, st *incident.Statement, text string) []incident.Flag {
	if st.From == incident.FromPlaybook && text == st.Revisions[0].Text && st.Revisions[0].By == "" {
		return nil
	}
	var flags []incident.Flag
	if st.From != incident.FromPlaybook {
		flags = append(flags, incident.Flag{Kind: incident.FlagModel, Text: st.From})
	}
	return append(flags, claims(text, d.approved(in))...)
}

// approved are the texts of the incident's playbook that may be published as they stand.
func (d *Desk) approved(in *incident.State) (out []string) {
	for _, b := range d.books(in.Playbook) {
		v := d.values(in.Owner, in.Topics, in.Began, in.Level, b.Lang)
		texts := []string{b.Holding}
		for _, r := range b.Replies {
			texts = append(texts, r.Answer)
		}
		for _, text := range texts {
			if filled, err := b.Fill(text, v); err == nil { // Load has tried every template
				out = append(out, filled)
			}
		}
	}
	for i := range in.Statements { // as they were filled in when the incident began
		if st := &in.Statements[i]; st.From == incident.FromPlaybook && st.Revisions[0].By == "" {
			out = append(out, st.Revisions[0].Text)
		}
	}
	return out
}

// claims returns the flags of a text: what it says and none of the approved texts does. Two parts that read alike are
// one flag.
func claims(text string, approved []string) []incident.Flag {
	found := findClaims(text)
	if len(found) == 0 {
		return nil
	}
	said := map[string]bool{}
	for i, a := range approved {
		if slices.Contains(approved[:i], a) {
			continue
		}
		for _, c := range findClaims(a) {
			said[c.meaning] = true
		}
	}
	var out []incident.Flag
	for _, c := range found {
		f := incident.Flag{Kind: c.kind, Text: c.text}
		if !said[c.meaning] && !slices.ContainsFunc(out, func(o incident.Flag) bool { return o.Kind == f.Kind && o.Text == f.Text }) {
			out = append(out, f)
		}
	}
	return out
}

// claim is a part of a text that a rule found.
type claim struct {
	kind       incident.FlagKind
	text       string // as written
	meaning    string // the same for parts that mean the same
	start, end int    // in the folded text
}

func findClaims(text string) (out []claim) {
	f := fold(text)
	for _, r := range rules {
		if len(r.hint) > 0 && !r.hinted(f.s) {
			continue
		}
		for _, m := range r.re.FindAllStringSubmatchIndex(f.s, -1) {
			m := m[len(m)-2:] // the bracketed part, or the whole
			start, end := m[0], m[0]+len(strings.TrimRight(f.s[m[0]:m[1]], " .,;:!?)]}>\"'"))
			if end <= start || adjoins(f.s, start, m[1]) {
				continue
			}
			c := claim{kind: r.kind, text: f.written(start, end), start: start, end: end}
			if r.ok != nil && !r.ok(f.s[start:end], c.text) {
				continue
			}
			if slices.ContainsFunc(out, func(o claim) bool { return c.start < o.end && o.start < c.end }) {
				continue
			}
			c.meaning = meaning(f.s, c)
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b claim) int { return a.start - b.start })
	return out
}

// hinted reports whether the rule can match at all. A sign of a currency is a hint of its own.
func (r *rule) hinted(s string) bool {
	return slices.ContainsFunc(r.hint, func(h string) bool { return strings.Contains(s, h) }) ||
		r.kind == incident.FlagMoney && strings.ContainsFunc(s, func(c rune) bool { return unicode.Is(unicode.Sc, c) })
}

// adjoins reports whether a match begins or ends within a word.
func adjoins(s string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:start])
	first, _ := utf8.DecodeRuneInString(s[start:])
	last, _ := utf8.DecodeLastRuneInString(s[:end])
	after, _ := utf8.DecodeRuneInString(s[end:])
	return isWord(before) && isWord(first) || isWord(last) && isWord(after)
}

func isWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// meaning is the same for two parts if one approves the other. "No refund" does not approve "refund".
func meaning(s string, c claim) string {
	part := s[c.start:c.end]
	switch c.kind {
	case incident.FlagPhone:
		part = strings.Map(func(r rune) rune {
			if isWord(r) {
				return r
			}
			return -1
		}, part)
	case incident.FlagPromise:
		if denied(s, c) {
			part = "not " + part
		}
	case incident.FlagMoney, incident.FlagAddress:
		part = strings.ReplaceAll(part, " ", "")
	}
	return string(c.kind) + ":" + part
}

var denials = []string{
	"not", "no", "never", "cannot", "without", "neither", "nor",
	"nicht", "kein", "keine", "keinen", "keiner", "keinem", "nie", "ohne", "weder",
}

// denied reports whether the sentence around a part denies something.
func denied(s string, c claim) bool {
	from := strings.LastIndexAny(s[:c.start], ".!?") + 1
	to := len(s)
	if i := strings.IndexAny(s[c.end:], ".!?"); i >= 0 {
		to = c.end + i
	}
	for _, w := range strings.FieldsFunc(s[from:to], func(r rune) bool { return !isWord(r) && r != '\'' }) {
		if slices.Contains(denials, w) || strings.HasSuffix(w, "n't") {
			return true
		}
	}
	return false
}

// folded is a text as it reads, whatever characters it is written with, and where each byte comes from.
type folded struct {
	s        string
	text     string
	from, to []int // offsets in text of the character that byte i of s comes from
}

func (f *folded) written(start, end int) string { return f.text[f.from[start]:f.to[end-1]] }

// fold writes a text in small letters without accents, with ä as ae, letters and digits of other scripts as the Latin
// ones that they look like, one kind of dot, slash, colon, hyphen and space, and without what nobody sees.
func fold(text string) *folded {
	f := &folded{text: norm.NFC.String(foreign.Text(text, 0))}
	var out strings.Builder
	last := rune(' ')
	for i, r := range f.text {
		size := utf8.RuneLen(r)
		if foreign.IsJoiner(r) || foreign.IsVariation(r) {
			continue
		}
		for _, q := range norm.NFKD.String(string(unicode.ToLower(r))) {
			q = unicode.ToLower(q)
			switch {
			case q == '\u0308' && strings.ContainsRune("aou", last): // the two dots of ä, ö and ü
				q = 'e'
			case unicode.In(q, unicode.Mn, unicode.Me), unicode.IsSpace(q) && last == ' ':
				continue
			case isBullet(q) && (last == ' ' || spaceAt(f.text[i+size:])):
			default:
				q = plain(q)
			}
			last = q
			as := string(q)
			if q == 'ß' {
				as = "ss"
			}
			out.WriteString(as)
			for range len(as) {
				f.from, f.to = append(f.from, i), append(f.to, i+size)
			}
		}
	}
	f.s = out.String()
	f.join()
	f.s = mixed.ReplaceAllStringFunc(f.s, figuresOf)
	return f
}

// spaced are four letters, figures or marks of an address, or more, each by itself: r e f u n d, e v i l . c o m.
var spaced = regexp.MustCompile(`(?:^|[^\p{L}\p{N}])((?:` + single + `[ -]){3,}` + single + `)(?:$|[^\p{L}\p{N}])`)

const single = `(?:ae|oe|ue|ss|[\p{L}\p{N}.@:/])`

// join takes the spaces out of words that are written with one between their letters.
func (f *folded) join() {
	var cuts []int // bytes of f.s
	for _, m := range spaced.FindAllStringSubmatchIndex(f.s, -1) {
		if !strings.ContainsFunc(f.s[m[2]:m[3]], unicode.IsLetter) {
			continue
		}
		for i := m[2]; i < m[3]; i++ {
			if f.s[i] == ' ' || f.s[i] == '-' {
				cuts = append(cuts, i)
			}
		}
	}
	if len(cuts) == 0 {
		return
	}
	out := folded{text: f.text}
	var s strings.Builder
	start := 0
	for _, end := range append(cuts, len(f.s)) {
		s.WriteString(f.s[start:end])
		out.from, out.to = append(out.from, f.from[start:end]...), append(out.to, f.to[start:end]...)
		start = end + 1
	}
	out.s = s.String()
	*f = out
}

// mixed are words of figures and of the letters that pass for some.
var mixed = regexp.MustCompile(`[\p{L}\p{N}]+`)

// figuresOf writes 5O as 50 and l23 as 123. Words with any other letter, and without a figure, stay.
func figuresOf(word string) string {
	if strings.Trim(word, "0123456789oil") != "" || strings.Trim(word, "oil") == "" {
		return word
	}
	return strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(word)
}

// isBullet reports whether r is a dot that separates words where spaces stand beside it, and joins them to a host where
// none do.
func isBullet(r rune) bool { return strings.ContainsRune("·•∙⋅・‧", r) }

func spaceAt(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || unicode.IsSpace(r)
}

// plain is the Latin letter, the figure or the mark that a character is read as.
func plain(r rune) rune {
	switch as, ok := lookLike[r]; {
	case ok:
		return as
	case r >= '🅐' && r <= '🅩': // on a black disc
		return 'a' + r - '🅐'
	case r >= '🅰' && r <= '🆉': // on a black square
		return 'a' + r - '🅰'
	case r >= '🇦' && r <= '🇿': // of which flags are made
		return 'a' + r - '🇦'
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsDigit(r) && r > unicode.MaxASCII:
		value := rune(0)
		for value < 9 && unicode.IsDigit(r-value-1) {
			value++
		}
		return '0' + value
	}
	return r
}

// lookLike are characters of other scripts by the Latin ones that they pass for.
var lookLike = pairs("аaвbсcеeєeһhіiјjкkӏlмmнnоoрpԛqѕsтtуyԝwхxԁdʙbɡgɑaıiʟlαaβbεeηnιiκkνvοoρpτtυuχxγy" +
	"ᴀaᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkᴍmɴnᴏoᴘpꞯqʀrꜱsᴛtᴜuᴠvᴡwʏyᴢz" + // small capitals
	"⓿0🄋0🄌0❶1❷2❸3❹4❺5❻6❼7❽8❾9➀1➁2➂3➃4➄5➅6➆7➇8➈9➊1➋2➌3➍4➎5➏6➐7➑8➒9⓵1⓶2⓷3⓸4⓹5⓺6⓻7⓼8⓽9" +
	"。.‧.·.•.∙.⋅.・.۔.܂.ꓸ.⁄/∕/⧸/∶:ː:꞉:։:‐-‑-‒-–-—-―-−-٪%’'‘'ʼ'")

func pairs(s string) map[rune]rune {
	out := map[rune]rune{}
	rs := []rune(s)
	for i := 0; i+1 < len(rs); i += 2 {
		out[rs[i]] = rs[i+1]
	}
	return out
}
