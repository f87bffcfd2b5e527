package hostile

import (
	"fmt"
	"strings"
)

// A check input's head "file" names the file that the body is: config, people or plan. The others are right.

var yamlShapes = []struct {
	name string
	make func(g *Gen) []byte
}{
	{"deep-flow", func(*Gen) []byte { return []byte("topics: " + nest(1_000_000) + "\n") }},
	{"deep-maps", func(*Gen) []byte { return []byte(strings.Repeat("{a: ", 500_000)) }},
	{"deep-blocks", func(*Gen) []byte {
		var sb strings.Builder
		for i := range 3_000 {
			sb.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return []byte(sb.String())
	}},
	{"deep-dashes", func(*Gen) []byte { return []byte(strings.Repeat("- ", 1_000_000) + "a\n") }},
	{"aliases", func(*Gen) []byte {
		var sb strings.Builder
		sb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
		for i := 1; i < 12; i++ {
			fmt.Fprintf(&sb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
		}
		return []byte(sb.String() + "topics: *a11\n")
	}},
	{"alias-to-itself", func(*Gen) []byte { return []byte("topics: &a [*a]\n") }},
	{"merges", func(*Gen) []byte {
		var sb strings.Builder
		sb.WriteString("a0: &a0 {x: 1}\n")
		for i := 1; i < 30; i++ {
			fmt.Fprintf(&sb, "a%d: &a%d {<<: [*a%d, *a%d], y%d: 1}\n", i, i, i-1, i-1, i)
		}
		return []byte(sb.String())
	}},
	{"line-of-10-MB", func(*Gen) []byte { return []byte("language: " + long(10_000_000) + "\n") }},
	{"quoted-10-MB", func(*Gen) []byte { return []byte(`language: "` + strings.Repeat(`\x41`, 2_500_000) + `"` + "\n") }},
	{"keys", func(*Gen) []byte {
		var sb strings.Builder
		for i := range 300_000 {
			fmt.Fprintf(&sb, "k%d: 1\n", i)
		}
		return []byte(sb.String())
	}},
	{"one-key-many-times", func(*Gen) []byte { return []byte(strings.Repeat("language: de\n", 200_000)) }},
	{"list-of-nulls", func(*Gen) []byte { return []byte("topics:\n" + strings.Repeat("-\n", 500_000)) }},
	{"nul-bytes", func(*Gen) []byte { return make([]byte, 1<<20) }},
	{"nul-in-a-word", func(*Gen) []byte { return []byte("language: d\x00e\n") }},
	{"utf16", func(*Gen) []byte { return wide("language: fr\n", true) }},
	{"invalid-utf8", func(*Gen) []byte { return []byte("language: \xff\xfe\xc3\x28\n") }},
	{"noise", func(g *Gen) []byte { return g.noise(1 << 20) }},
	{"tabs", func(*Gen) []byte { return []byte("topics:\n" + strings.Repeat("\t", 100_000) + "- a\n") }},
	{"truncated", func(*Gen) []byte { return []byte("topics: [{name: acme, query: 'a") }},
	{"tags", func(*Gen) []byte { return []byte("language: !!binary " + strings.Repeat("!", 100_000) + "\n") }},
	{"documents", func(*Gen) []byte { return []byte(strings.Repeat("---\nlanguage: xx\n", 100_000)) }},
	{"numbers", func(*Gen) []byte { return []byte("shards: 1e400\nretention: 99999999999999999999h\nlease: NaN\n") }},
	{"times", func(*Gen) []byte {
		return []byte("planned: [{from: 0001-01-01T00:00:00Z, to: 99999-01-01T00:00:00Z, why: x}]\n")
	}},
}

// configShapes are values that are hostile in a configuration alone.
var configShapes = []struct {
	name string
	make func() string
}{
	{"deep-query", func() string { return "topics: [{name: a, query: '" + strings.Repeat("(", 500_000) + "a'}]\n" }},
	{"negations", func() string { return "topics: [{name: a, query: '" + strings.Repeat("NOT ", 500_000) + "a'}]\n" }},
	{"long-query", func() string { return "topics: [{name: a, query: '" + strings.Repeat("a OR ", 500_000) + "a'}]\n" }},
	{"stars", func() string { return "topics: [{name: a, query: '" + strings.Repeat("*", 500_000) + "'}]\n" }},
	{"topics", func() string {
		return "topics:\n" + strings.Repeat("  - {name: a, query: a}\n", 50_000)
	}},
	{"long-url", func() string { return "sources: [{kind: feed, url: 'https://" + long(1_000_000) + "'}]\n" }},
	{"people-is-a-device", func() string { return "topics: [{name: a, query: a}]\npeople: /dev/zero\n" }},
	{"people-is-a-folder", func() string { return "topics: [{name: a, query: a}]\npeople: /proc\n" }},
	{"playbook-is-a-device", func() string { return "topics: [{name: a, query: a}]\nplaybooks: [/dev/zero]\n" }},
	{"secret-is-a-device", func() string { return "topics: [{name: a, query: a}]\nweb: {password_file: /dev/zero}\n" }},
}

func checkInputs() (out []Input) {
	for _, file := range []string{"config", "people", "plan"} {
		for _, s := range yamlShapes {
			out = append(out, Input{Check, file + "-" + s.name, func(g *Gen) Load {
				return Load{Body: s.make(g), Header: map[string]string{"file": file}}
			}})
		}
	}
	for _, s := range configShapes {
		out = append(out, Input{Check, "config-" + s.name, func(*Gen) Load {
			return Load{Body: []byte(s.make()), Header: map[string]string{"file": "config"}}
		}})
	}
	return out
}
