package playbooks

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"brandmelder/brand"
	"brandmelder/strictyaml"
)

//go:embed de/*.yaml en/*.yaml
var builtin embed.FS

// Playbook is one crisis plan in one language.
type Playbook struct {
	ID          string        `yaml:"id"`
	Lang        string        `yaml:"lang"`
	Title       string        `yaml:"title"`
	When        []Condition   `yaml:"when"`
	Fields      []string      `yaml:"fields"`             // of knowledge that experts are looked for in
	Owner       string        `yaml:"owner"`              // the one voice: a person's id or role
	Deputy      string        `yaml:"deputy"`             // called when the owner does not answer
	Decides     string        `yaml:"decides"`            // the second person at the highest levels
	Acknowledge time.Duration `yaml:"acknowledge_within"` // until somebody takes it; then the next person is called
	Act         time.Duration `yaml:"act_within"`         // until who took it acts; then it is free again
	TwoPeople   bool          `yaml:"two_people"`         // statements need two people at every level
	Steps       []StepPlan    `yaml:"steps"`
	Holding     string        `yaml:"holding_statement"` // a template: see Fill
	Replies     []Reply       `yaml:"replies"`           // answers to what people will ask
	Do          []string      `yaml:"do"`
	Dont        []string      `yaml:"dont"`
	Employees   string        `yaml:"employees"`  // what colleagues may and should do, Markdown
	CloseWhen   string        `yaml:"close_when"` // in words

	File string `yaml:"-"`
}

// Builtin reports whether the playbook is embedded.
func (p *Playbook) Builtin() bool { return strings.HasPrefix(p.File, "builtin:") }

// Condition adds its weight when it holds. Exactly one of the others is set.
type Condition struct {
	Terms    []string `yaml:"terms"`  // one of these is said; * at either end as in queries
	Topics   []string `yaml:"topics"` // the matter is in one of these topics
	Kind     string   `yaml:"kind"`   // volume, tone or praise
	Level    int      `yaml:"level"`  // at least
	Articles int      `yaml:"articles"`
	Weight   float64  `yaml:"weight"`
}

// StepPlan is a step with its deadline after the alarm.
type StepPlan struct {
	Text   string        `yaml:"text"`
	Within time.Duration `yaml:"within"`
	Role   string        `yaml:"role"`
}

// Reply is a question to expect and the answer that is agreed on.
type Reply struct {
	Question string `yaml:"question"`
	Answer   string `yaml:"answer"`
}

// General is the id of the plan for what no other plan fits.
const General = "general"

// Shelf is all plans, in the order in which they were loaded; a later one replaces an earlier one of the same id and
// language.
type Shelf struct {
	books []*Playbook
}

// Load reads the plans of all places: "builtin:de", "builtin:en", a file, or a folder of *.yaml. The error is
// strictyaml.Problems where a plan is wrong.
func Load(places ...string) (*Shelf, error) {
	s := &Shelf{}
	var problems strictyaml.Problems
	for _, place := range places {
		files, err := list(place)
		if err != nil {
			return nil, fmt.Errorf("playbooks %s: %w", place, err)
		}
		for _, f := range files {
			p, ps := parse(f.name, f.data)
			problems = append(problems, ps...)
			s.books = slices.DeleteFunc(s.books, func(o *Playbook) bool { return o.ID == p.ID && o.Lang == p.Lang })
			s.books = append(s.books, p)
		}
	}
	return s, problems.Err()
}

type file struct {
	name string
	data []byte
}

func list(place string) (out []file, err error) {
	if lang, ok := strings.CutPrefix(place, "builtin:"); ok {
		names, err := fs.Glob(builtin, lang+"/*.yaml")
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("there are builtin:de and builtin:en: %w", fs.ErrNotExist)
		}
		for _, n := range names {
			data, err := builtin.ReadFile(n)
			if err != nil {
				return nil, err
			}
			out = append(out, file{"builtin:" + path.Clean(n), data})
		}
		return out, nil
	}
	info, err := os.Stat(place)
	if err != nil {
		return nil, err
	}
	names := []string{place}
	if info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(place, "*.yaml")); err != nil {
			return nil, err
		}
	}
	for _, n := range names {
		data, err := strictyaml.ReadFile(n)
		if err != nil {
			return nil, err
		}
		out = append(out, file{n, data})
	}
	return out, nil
}

var idForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func parse(name string, data []byte) (*Playbook, strictyaml.Problems) {
	p := &Playbook{File: name}
	doc, problems := strictyaml.Decode(name, data, p)
	bad := func(msg string, at ...any) { problems = append(problems, doc.Problem(msg, at...)) }
	if !idForm.MatchString(p.ID) {
		bad(fmt.Sprintf("id %q: want small letters, digits and -, starting with a letter", p.ID), "id")
	}
	if p.Lang != "de" && p.Lang != "en" {
		bad(fmt.Sprintf("lang %q: want de or en", p.Lang), "lang")
	}
	for key, text := range map[string]string{"title": p.Title, "holding_statement": p.Holding, "owner": p.Owner, "close_when": p.CloseWhen} {
		if strings.TrimSpace(text) == "" {
			bad(key+" is missing: a plan without it leaves people alone at night", key)
		}
	}
	if len(p.Steps) == 0 {
		bad("steps is missing: name at least the first step", "steps")
	}
	for i, st := range p.Steps {
		if st.Text == "" || st.Within <= 0 {
			bad("a step needs a text and a deadline such as within: 30m", "steps", i)
		}
	}
	for i, c := range p.When {
		if c.Weight <= 0 {
			bad("a condition needs a weight above 0", "when", i)
		}
		if c.Kind != "" && c.Kind != "volume" && c.Kind != "tone" && c.Kind != "praise" {
			bad(fmt.Sprintf("kind %q%s", c.Kind, strictyaml.Suggest(c.Kind, []string{"volume", "tone", "praise"})), "when", i, "kind")
		}
	}
	p.Acknowledge, p.Act = cmp.Or(p.Acknowledge, 15*time.Minute), cmp.Or(p.Act, 30*time.Minute)
	if _, err := p.Fill(p.Holding, Values{}); err != nil {
		bad("holding_statement: "+err.Error(), "holding_statement")
	}
	for i, r := range p.Replies {
		if _, err := p.Fill(r.Answer, Values{}); err != nil {
			bad("answer: "+err.Error(), "replies", i, "answer")
		}
	}
	return p, problems
}

// Values is what a plan's texts may name. Nothing of what people outside wrote is among it.
type Values struct {
	Topic string // the topic's name
	Owner string // the one-voice owner's name
	Began string // as people say it: 14 March, 18:02
	Level string
}

// maxFill is the most bytes of one of a plan's texts.
const maxFill = 64 << 10

// repeating are the actions of templates that may go on without end. No plan needs them.
var repeating = regexp.MustCompile(`\{\{-?\s*(range|define|template|block)\b`)

// Fill replaces {{.Topic}} and the other Values in one of the plan's texts.
func (p *Playbook) Fill(text string, v Values) (string, error) {
	switch {
	case len(text) > maxFill:
		return "", fmt.Errorf("the text has more than %d KiB", maxFill>>10)
	case repeating.MatchString(text):
		return "", errors.New("it may name {{.Topic}}, {{.Owner}}, {{.Began}} and {{.Level}}, and repeat nothing")
	}
	t, err := template.New(p.ID).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, v); err != nil {
		return "", fmt.Errorf("it may name {{.Topic}}, {{.Owner}}, {{.Began}} and {{.Level}}: %w", err)
	}
	return strings.TrimSpace(buf.String()), nil
}

// Book returns the plan of that id in the language, or in any other, or nil.
func (s *Shelf) Book(id, lang string) *Playbook {
	var other *Playbook
	for _, p := range s.books {
		if p.ID == id {
			if p.Lang == lang {
				return p
			}
			other = p
		}
	}
	return other
}

// Languages returns the languages in which there is a plan of that id, sorted.
func (s *Shelf) Languages(id string) (out []string) {
	for _, p := range s.books {
		if p.ID == id {
			out = append(out, p.Lang)
		}
	}
	slices.Sort(out)
	return out
}

// Books returns all plans by id, then language.
func (s *Shelf) Books() []*Playbook {
	out := slices.Clone(s.books)
	slices.SortFunc(out, func(a, b *Playbook) int { return strings.Compare(a.ID+"\x00"+a.Lang, b.ID+"\x00"+b.Lang) })
	return out
}

// Matter is what a plan is looked for.
type Matter struct {
	Topics []string
	Kind   brand.SpikeKind
	Level  brand.Level
	Ev     brand.Evidence
}

// Find returns the ID of the playbook whose conditions weigh most, of all languages together, and why. Without one that
// fits it is the general one.
func (s *Shelf) Find(m Matter) (id string, why []brand.Fact) {
	texts := []string{}
	for _, t := range m.Ev.Terms {
		texts = append(texts, t.Text)
	}
	for _, sample := range m.Ev.Samples {
		texts = append(texts, sample.Body())
	}
	said := fold(texts)
	type score struct {
		weight  float64
		reasons []brand.Fact
	}
	scores := map[string]*score{}
	var ids []string
	for _, p := range s.books {
		sc := scores[p.ID]
		if sc == nil {
			sc = &score{}
			scores[p.ID] = sc
			ids = append(ids, p.ID)
		}
		for _, c := range p.When {
			w, reason := c.holds(m, said)
			if w == 0 || slices.ContainsFunc(sc.reasons, func(f brand.Fact) bool { return reflect.DeepEqual(f, reason) }) {
				continue
			}
			sc.weight += w
			sc.reasons = append(sc.reasons, reason)
		}
	}
	best, bestWeight := General, 0.0
	slices.Sort(ids)
	const least = 2 // one weak sign does not choose a playbook
	for _, id := range ids {
		if w := scores[id].weight; id != General && w >= least && w > bestWeight {
			best, bestWeight = id, w
		}
	}
	if best == General {
		return best, []brand.Fact{{Kind: "no_plan"}}
	}
	return best, scores[best].reasons
}

// holds returns the condition's weight if it holds, and the reason. Of several terms each that is said counts, less and
// less.
func (c *Condition) holds(m Matter, said []string) (float64, brand.Fact) {
	switch {
	case len(c.Terms) > 0:
		var found []string
		for _, t := range c.Terms {
			if w := find(t, said); w != "" && !slices.Contains(found, w) {
				found = append(found, w)
			}
		}
		w := 0.0
		for i := range found[:min(len(found), 4)] {
			w += c.Weight / float64(i+1)
		}
		return w, brand.Fact{Kind: "people_write", Words: found[:min(len(found), 5)]}
	case len(c.Topics) > 0:
		for _, t := range m.Topics {
			if slices.Contains(c.Topics, t) {
				return c.Weight, brand.Fact{Kind: "about", Words: []string{t}}
			}
		}
	case c.Kind != "" && c.Kind == string(m.Kind):
		return c.Weight, brand.Fact{Kind: "kind_" + c.Kind}
	case c.Articles > 0 && m.Ev.Articles >= c.Articles:
		return c.Weight, brand.Fact{Kind: "press"}
	case c.Level > 0 && int(m.Level) >= c.Level:
		return c.Weight, brand.Fact{Kind: "level", N: float64(m.Level)}
	}
	return 0, brand.Fact{}
}

// Hints are what plans lack that is allowed and yet may not be meant: a language, a general plan, a deputy, an order of
// deadlines.
func (s *Shelf) Hints() (out []string) {
	langs := map[string]bool{}
	general := false
	for _, b := range s.books {
		langs[b.Lang] = true
		general = general || b.ID == General
	}
	if !general {
		out = append(out, "there is no plan with the id general, for what no other plan fits")
	}
	for _, b := range s.books {
		where := b.File + ": plan " + b.ID
		for lang := range langs {
			if s.Book(b.ID, lang).Lang != lang {
				out = append(out, fmt.Sprintf("%s is there in %s, but not in %s", where, b.Lang, lang))
			}
		}
		if b.Deputy == "" {
			out = append(out, where+" has no deputy: if the owner does not answer, the one who decides is called")
		}
		for i := 1; i < len(b.Steps); i++ {
			if b.Steps[i].Within < b.Steps[i-1].Within {
				out = append(out, fmt.Sprintf("%s: step %d is due before step %d", where, i+1, i))
			}
		}
		if b.ID != General && len(b.When) == 0 {
			out = append(out, where+" never applies: when is empty")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
