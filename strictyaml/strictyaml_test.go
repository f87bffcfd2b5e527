package strictyaml

import (
	"strings"
	"testing"
	"time"
)

type house struct {
	Name  string        `yaml:"name"`
	Every time.Duration `yaml:"every"`
	From  time.Time     `yaml:"from"`
	Rate  float64       `yaml:"rate"`
	Open  bool          `yaml:"open"`
	Tags  []string      `yaml:"tags"`
	Door  *door         `yaml:"door"`
	Rooms []door        `yaml:"rooms"`
}

type door struct {
	Width int `yaml:"width"`
}

func TestWhatIsRightIsReadAlsoBesideMistakes(t *testing.T) {
	var h house
	doc, ps := Decode("h.yaml", []byte("name: old mill\nevery: 5m\nfrom: 2026-03-14\nrate: 0.25\nopen: yes please\ntags: [a, b]\ndoor: {width: 3}\nrooms:\n  - {width: 1}\n  - {widht: 2}\n"), &h)
	if h.Name != "old mill" || h.Every != 5*time.Minute || h.From.Day() != 14 || h.Rate != 0.25 || len(h.Tags) != 2 || h.Door == nil || h.Door.Width != 3 || len(h.Rooms) != 2 {
		t.Errorf("got %+v", h)
	}
	want := "h.yaml:5:7: open \"yes please\" is not true or false\nh.yaml:10:6: unknown key \"widht\"; did you mean \"width\"?"
	if err := ps.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if p := doc.Problem("here", "rooms", 1, "widht"); p.Line != 10 || p.Column != 13 {
		t.Errorf("the place of a value is %d:%d", p.Line, p.Column)
	}
	if p := doc.Problem("here", "rooms", 7, "width"); p.Line != 9 {
		t.Errorf("what is not there has the place of what it would be in: got %d:%d", p.Line, p.Column)
	}
}

func TestSuggestionsAreNearOrNone(t *testing.T) {
	for got, want := range map[string]string{"slak": `"slack"`, "SLACK": `"slack"`, "zzzzzzzz": "known are"} {
		if s := Suggest(got, []string{"slack", "mail"}); !strings.Contains(s, want) {
			t.Errorf("%s: %q", got, s)
		}
	}
}

// An alias that grows without end, a document that is too deep: an error, not the end of the process.
func TestBombsAreErrors(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\ntags: *e\n"
	for _, text := range []string{bomb, strings.Repeat("[", 20000), "a: &a {b: *a}\ntags: *a\n"} {
		var h house
		if _, ps := Decode("h.yaml", []byte(text), &h); ps.Err() == nil {
			t.Errorf("%.20q… is no error", text)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: a\nrooms: [{width: 1}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var h house
		doc, ps := Decode("h.yaml", data, &h)
		for _, p := range ps {
			if p.Line < 1 || p.Column < 1 || p.Msg == "" {
				t.Errorf("a problem without its place: %+v", p)
			}
		}
		doc.Problem("x", "rooms", 0, "width")
	})
}
