package sentiment

import (
	"embed"
	"fmt"
	"strings"
)

// Check is a text written by hand to test one ability of the tone model.
type Check struct {
	Lang  string
	Kind  string
	Label int
	About string // the brand that is asked about, or "" for the text as a whole
	Text  string
}

//go:embed checks/*.txt
var checkFiles embed.FS

// CheckLanguages are the languages that have checks.
var CheckLanguages = []string{"de", "en"}

// Checks are the checks of a language, in the order of their file.
func Checks(lang string) ([]Check, error) {
	name := "checks/" + lang + ".txt"
	data, err := checkFiles.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("checks in %q: there are some in %s", lang, strings.Join(CheckLanguages, " and "))
	}
	var out []Check
	kind := ""
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if head, ok := strings.CutSuffix(line, ":"); ok {
			kind = head
			continue
		}
		parts := strings.SplitN(line, " ", 3)
		label := map[string]int{"-": Negative, "0": Neutral, "+": Positive}
		l, ok := label[parts[0]]
		if len(parts) != 3 || !ok || kind == "" {
			return nil, fmt.Errorf("%s:%d:1: want -, 0 or +, a brand or *, and a text, below a kind", name, i+1)
		}
		c := Check{Lang: lang, Kind: kind, Label: l, Text: parts[2]}
		if parts[1] != "*" {
			c.About = parts[1]
		}
		out = append(out, c)
	}
	return out, nil
}

// Checked is how many checks of a kind pass.
type Checked struct {
	Lang  string   `json:"lang"`
	Kind  string   `json:"kind"`
	N     int      `json:"n"`
	Right int      `json:"right"`
	Wrong []string `json:"wrong"` // the texts that fail
}

// RunChecks runs all checks of a language, kind by kind.
func (e *Scorer) RunChecks(lang string) ([]Checked, error) {
	checks, err := Checks(lang)
	if err != nil {
		return nil, err
	}
	var out []Checked
	for _, c := range checks {
		if len(out) == 0 || out[len(out)-1].Kind != c.Kind {
			out = append(out, Checked{Lang: lang, Kind: c.Kind, Wrong: []string{}})
		}
		k := &out[len(out)-1]
		k.N++
		tone := e.Score(c.Text)
		if c.About != "" {
			tone = e.Towards(c.Text, c.About)
		}
		if tone.Class() == c.Label {
			k.Right++
		} else {
			k.Wrong = append(k.Wrong, strings.TrimSpace(c.About+" "+c.Text))
		}
	}
	return out, nil
}
