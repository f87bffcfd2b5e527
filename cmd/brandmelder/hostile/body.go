package hostile

import (
	"strings"
)

// bodyShapes are hostile bodies of a push: what is wrong is the whole, not one mention.
var bodyShapes = []struct {
	name  string
	lines bool // it is sent as JSON lines too, and to a file
	make  func(g *Gen) Load
}{
	{"empty", false, func(*Gen) Load { return Load{Whole: true} }},
	{"only-spaces", false, func(*Gen) Load { return Load{Body: []byte(strings.Repeat(" ", 1<<20)), Whole: true} }},
	{"zeros", false, func(*Gen) Load {
		return Load{Body: []byte("[0" + strings.Repeat(",0", 3_900_000) + "]"), Items: 3_900_001, Whole: true}
	}},
	{"lines-of-zeros", true, func(*Gen) Load {
		return Load{Body: []byte(strings.Repeat("0\n", 500_000)), Items: 500_000, Whole: true}
	}},
	{"empty-lists", false, func(*Gen) Load {
		return Load{Body: []byte("[[]" + strings.Repeat(",[]", 500_000) + "]"), Items: 500_001, Whole: true}
	}},
	{"two-values", false, func(g *Gen) Load {
		return Load{Body: []byte(g.mention() + g.mention()), Items: 2, Whole: true}
	}},
	{"value-and-rubbish", false, func(g *Gen) Load {
		return Load{Body: []byte(g.mention() + " rubbish"), Items: 2, Whole: true}
	}},
	{"deep-list", false, func(*Gen) Load { return Load{Body: []byte(nest(3_500_000)), Whole: true} }},
	{"never-closed", false, func(*Gen) Load {
		return Load{Body: []byte(strings.Repeat(`{"a":[`, 1_000_000)), Whole: true}
	}},
	{"truncated-list", false, func(g *Gen) Load {
		return Load{Body: []byte("[" + g.mention() + "," + g.mention()[:20]), Whole: true}
	}},
	{"beyond-the-limit", false, func(g *Gen) Load {
		return Load{Body: []byte("[" + g.mention("text", quote(long(11<<20))) + "]"), Whole: true}
	}},
	{"compressed-bomb", false, func(*Gen) Load {
		return Load{Body: bomb("[0", ",0", "]", 200<<20), Header: packed, Whole: true}
	}},
	{"utf16-list", false, func(g *Gen) Load { return Load{Body: wide("["+g.mention()+"]", true), Whole: true} }},
	{"noise", true, func(g *Gen) Load { return Load{Body: append(g.noise(1<<20), '\n'), Whole: true} }},
	{"nul-bytes", true, func(*Gen) Load { return Load{Body: append(make([]byte, 1<<20), '\n'), Whole: true} }},
	{"the-same-twice", true, func(g *Gen) Load {
		m := strings.ReplaceAll(g.mention(), "\n", "")
		return Load{Body: []byte(m + "\n" + m + "\n"), Items: 2, Valid: 1, Whole: true}
	}},
	{"slow", true, func(g *Gen) Load {
		l := inLines(g, g.mention(), counted)
		l.Pace = slowly
		return l
	}},
	{"many-right-ones", true, func(g *Gen) Load {
		return Load{Body: []byte(g.mentions(2_000)), Items: 2_000, Valid: 2_000}
	}},
	{"one-line-of-2-MiB", true, func(g *Gen) Load {
		return Load{Body: []byte(g.mention() + "\n" + long(2<<20) + "\n" + g.mention() + "\n"), Items: 3, Valid: 2}
	}},
	{"empty-lines", true, func(g *Gen) Load {
		return Load{Body: []byte(strings.Repeat("\r\n", 500_000) + g.mention() + "\n"), Items: 1, Valid: 1}
	}},
	{"carriage-returns", true, func(g *Gen) Load {
		return Load{Body: []byte(g.mention() + "\r" + g.mention() + "\r\n"), Items: 1, Whole: true}
	}},
}

// mentions is n mentions as lines.
func (g *Gen) mentions(n int) string {
	var sb strings.Builder
	for range n {
		sb.WriteString(g.mention() + "\n")
	}
	return sb.String()
}

func bodyInputs() (out []Input) {
	for _, s := range bodyShapes {
		entries := []Entry{API, Hook, HookMap}
		if s.lines {
			entries = []Entry{APILines, File}
		}
		for _, e := range entries {
			out = append(out, Input{e, "body-" + s.name, func(g *Gen) Load {
				l := s.make(g)
				head := map[string]string{"Content-Type": "application/json"}
				if s.lines {
					head["Content-Type"] = "application/x-ndjson"
				}
				for k, v := range l.Header {
					head[k] = v
				}
				l.Header = head
				return l
			}})
		}
	}
	return out
}
