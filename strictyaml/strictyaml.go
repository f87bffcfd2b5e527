// Package strictyaml reads YAML written by people into Go values, and reports all mistakes at once, each with its place
// and, where one is near, what was probably meant. It has no words of the field: configuration, people and playbooks
// use it.
package strictyaml

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v4"
)

// Problem is one mistake.
type Problem struct {
	File         string
	Line, Column int // from 1
	Msg          string
}

func (p Problem) Error() string { return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Msg) }

// Problems is all mistakes of a file; an empty one is none.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err is nil for no problems, else the problems in the order of their places, at most maxProblems of them.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if more := len(ps) - maxProblems; more > 1 {
		last := ps[maxProblems]
		ps = append(ps[:maxProblems:maxProblems], Problem{last.File, last.Line, last.Column, fmt.Sprintf("and %d more mistakes", more)})
	}
	return ps
}

// Doc remembers where things stand in a file.
type Doc struct {
	file string
	root *yaml.Node
}

// Decode reads data into the struct that into points to, by its yaml tags. Keys without a field, wrong types and
// doubled keys are problems; whatever is right is read all the same. Known types beside the plain ones: time.Duration
// ("5m"), time.Time (a date or RFC 3339).
func Decode(file string, data []byte, into any) (*Doc, Problems) {
	d := &Doc{file: file}
	if msg := tooMuch(data); msg != "" {
		return d, Problems{{file, 1, 1, msg}}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return d, Problems{syntax(file, err)}
	}
	if root.Kind == 0 || len(root.Content) == 0 {
		return d, nil
	}
	d.root = root.Content[0]
	r := &reader{file: file}
	r.read(d.root, reflect.ValueOf(into).Elem(), "")
	return d, r.problems
}

var place = regexp.MustCompile(`line (\d+)(?:,? column (\d+))?`)

// lineWords is how the YAML library begins its errors: the place is named before them.
var lineWords = regexp.MustCompile(`^line \d+(,? column \d+)?: `)

func syntax(file string, err error) Problem {
	p := Problem{File: file, Line: 1, Column: 1, Msg: "this is not YAML: " + lineWords.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "")}
	if m := place.FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		if m[2] != "" {
			p.Column, _ = strconv.Atoi(m[2])
		}
	}
	return p
}

// Problem makes a problem at a path of keys and indices; where the path ends early in the file, at its last part that
// is there.
func (d *Doc) Problem(msg string, path ...any) Problem {
	p := Problem{File: d.file, Line: 1, Column: 1, Msg: msg}
	for i := len(path); i >= 0; i-- {
		if n := d.find(path[:i]...); n != nil {
			p.Line, p.Column = n.Line, n.Column
			break
		}
	}
	return p
}

// Suggest is `; did you mean "x"?` for the nearest of the known words, or "; known are …", or "".
func Suggest(word string, known []string) string {
	word = short(word, maxWord)
	best, dist := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(k)); d < dist {
			best, dist = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(known) == 0 || len(known) > 30:
		return ""
	}
	known = slices.Clone(known)
	slices.Sort(known)
	return "; known are " + strings.Join(known, ", ")
}

type reader struct {
	file     string
	problems Problems
	nodes    int // read so far
	depth    int
	stopped  bool
}

func (r *reader) bad(n *yaml.Node, format string, args ...any) {
	switch {
	case len(r.problems) > maxProblems:
		return
	case len(r.problems) == maxProblems:
		format, args = "there are more mistakes from here on", nil
	}
	r.problems = append(r.problems, Problem{r.file, n.Line, n.Column, short(fmt.Sprintf(format, args...), maxMsg)})
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
)

// maxNodes and maxDepth bound what aliases of aliases can unfold to.
const (
	maxNodes = 100_000
	maxDepth = 50
)

func (r *reader) read(n *yaml.Node, v reflect.Value, name string) {
	r.nodes++
	r.depth++
	defer func() { r.depth-- }()
	if r.nodes > maxNodes || r.depth > maxDepth {
		if !r.stopped {
			r.bad(n, "too many values, or too deep: aliases that contain themselves?")
		}
		r.stopped = true
		return
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if name == "" {
		name = "the file"
	}
	switch {
	case v.Type() == durationType || v.Type() == timeType:
		r.scalar(n, v, name)
	case v.Kind() == reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		r.read(n, fresh.Elem(), name)
		v.Set(fresh)
	case v.Kind() == reflect.Struct:
		r.structure(n, v, name)
	case v.Kind() == reflect.Map:
		if n.Kind != yaml.MappingNode {
			r.bad(n, "%s is %s, want keys with values", name, what(n))
			return
		}
		m := reflect.MakeMap(v.Type())
		for i := 0; i+1 < len(n.Content); i += 2 {
			e := reflect.New(v.Type().Elem()).Elem()
			r.read(n.Content[i+1], e, name+"."+n.Content[i].Value)
			m.SetMapIndex(reflect.ValueOf(n.Content[i].Value), e)
		}
		v.Set(m)
	case v.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			r.bad(n, "%s is %s, want a list", name, what(n))
			return
		}
		s := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, c := range n.Content {
			r.read(c, s.Index(i), fmt.Sprintf("%s[%d]", name, i))
		}
		v.Set(s)
	default:
		r.scalar(n, v, name)
	}
}

func (r *reader) structure(n *yaml.Node, v reflect.Value, name string) {
	if n.Kind != yaml.MappingNode {
		r.bad(n, "%s is %s, want keys with values", name, what(n))
		return
	}
	byKey := map[string]reflect.Value{}
	var keys []string
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			byKey[tag] = v.Field(i)
			keys = append(keys, tag)
		}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		f, ok := byKey[key.Value]
		switch {
		case !ok:
			r.bad(key, "unknown key %q%s", key.Value, Suggest(key.Value, keys))
		case seen[key.Value]:
			r.bad(key, "key %q stands here a second time", key.Value)
		default:
			seen[key.Value] = true
			r.read(n.Content[i+1], f, key.Value)
		}
	}
}

func (r *reader) scalar(n *yaml.Node, v reflect.Value, name string) {
	if n.Kind != yaml.ScalarNode {
		r.bad(n, "%s is %s, want %s", name, what(n), want(v.Type()))
		return
	}
	text := n.Value
	switch {
	case v.Type() == durationType:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			hint := ""
			if _, numErr := strconv.ParseFloat(text, 64); numErr == nil {
				hint = fmt.Sprintf("; did you mean %q or %q?", text+"s", text+"m")
			}
			r.bad(n, "%s %q is not a duration such as 30s, 5m or 24h%s", name, text, hint)
			return
		}
		v.SetInt(int64(d))
	case v.Type() == timeType:
		for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02 15:04"} {
			if t, err := time.Parse(layout, text); err == nil {
				v.Set(reflect.ValueOf(t.UTC()))
				return
			}
		}
		r.bad(n, "%s %q is not a time such as 2026-03-14 or 2026-03-14T18:00:00Z", name, text)
	case v.Kind() == reflect.String:
		if n.Tag == "!!bool" {
			r.bad(n, "%s is true or false, want a text; put it into \"quotes\"", name)
			return
		}
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			r.bad(n, "%s %q is not true or false", name, text)
			return
		}
		v.SetBool(b)
	case v.CanInt():
		i, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
		if err != nil {
			r.bad(n, "%s %q is not a whole number", name, text)
			return
		}
		v.SetInt(i)
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			r.bad(n, "%s %q is not a number", name, text)
			return
		}
		v.SetFloat(f)
	}
}

func what(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a set of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("the single value %q", n.Value)
}

func want(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration such as 5m"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a number"
}

// find is the node at a path, or nil.
func (d *Doc) find(path ...any) *yaml.Node {
	n := d.root
	for _, part := range path {
		if n == nil {
			return nil
		}
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		var next *yaml.Node
		switch key := part.(type) {
		case string:
			for j := 0; n.Kind == yaml.MappingNode && j+1 < len(n.Content); j += 2 {
				if n.Content[j].Value == key {
					next = n.Content[j+1]
				}
			}
		case int:
			if n.Kind == yaml.SequenceNode && key < len(n.Content) {
				next = n.Content[key]
			}
		}
		n = next
	}
	return n
}

// Keys returns the keys of the mapping at a path, in their order.
func (d *Doc) Keys(path ...any) (out []string) {
	n := d.find(path...)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for j := 0; j+1 < len(n.Content); j += 2 {
		out = append(out, n.Content[j].Value)
	}
	return out
}

// Quote is 1 if the value at a path stands in quotation marks, else 0: how far its text is behind its place.
func (d *Doc) Quote(path ...any) int {
	if n := d.find(path...); n != nil && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return 1
	}
	return 0
}
