package hostile

import (
	"fmt"
	"strings"
)

// TableHead is the first line of the file that the CSV entry reads.
const TableHead = "id,at,text,author,followers\n"

// row is a right line of the table.
func (g *Gen) row() string { return fmt.Sprintf("%s,%s,%s,folk,7\n", g.id(), g.at(), g.text()) }

// rows puts hostile lines between two right ones.
func rows(g *Gen, n int, hostile string) Load {
	return Load{Body: []byte(g.row() + hostile + g.row()), Items: n + 2, Valid: 2}
}

// tableShapes are lines of CSV. Each ends its last line, so that the next line of the file is one.
var tableShapes = []struct {
	name string
	make func(g *Gen) Load
}{
	{"long-line", func(g *Gen) Load { return rows(g, 1, long(8<<20)+"\n") }},
	{"commas", func(g *Gen) Load { return rows(g, 1, strings.Repeat(",", 4_000_000)+"\n") }},
	{"empty-lines", func(g *Gen) Load { return rows(g, 0, strings.Repeat("\n", 2_000_000)) }},
	{"short-lines", func(g *Gen) Load { return rows(g, 50_000, strings.Repeat("a\n", 50_000)) }},
	{"quote-in-a-field", func(g *Gen) Load { return rows(g, 1, g.id()+","+g.at()+`,about "`+g.Word+`" a,b,1`+"\n") }},
	{"quotes", func(g *Gen) Load { return rows(g, 1, strings.Repeat(`""`, 500_000)+"\n") }},
	{"quoted-long", func(g *Gen) Load { return rows(g, 1, `"`+strings.Repeat("a\n", 1_000_000)+`"`+"\n") }},
	{"nul-bytes", func(g *Gen) Load { return rows(g, 1, string(make([]byte, 1<<20))+"\n") }},
	{"utf16", func(g *Gen) Load {
		return Load{Body: append(wide(strings.ReplaceAll(g.row(), "\n", ""), true), '\n'), Items: 1}
	}},
	{"invalid-utf8", func(g *Gen) Load {
		return Load{Body: []byte(fmt.Sprintf("%s,%s,%s \xff\xfe\xc3,folk,7\n", g.id(), g.at(), g.text())), Items: 1, Valid: 1}
	}},
	{"carriage-returns", func(g *Gen) Load { return rows(g, 1, strings.Repeat("\r", 10_000)+"x\n") }},
	{"year-1", func(g *Gen) Load { return rows(g, 1, g.id()+",0001-01-01T00:00:00Z,x,y,1\n") }},
	{"year-9999", func(g *Gen) Load { return rows(g, 1, g.id()+",9999-12-31T23:59:59Z,x,y,1\n") }},
	{"time-2^63", func(g *Gen) Load { return rows(g, 1, g.id()+",9223372036854775808,x,y,1\n") }},
	{"followers-1e400", func(g *Gen) Load { return rows(g, 1, g.id()+","+g.at()+",x,y,1e400\n") }},
	{"followers-nan", func(g *Gen) Load { return rows(g, 1, g.id()+","+g.at()+",x,y,NaN\n") }},
	{"formula", func(g *Gen) Load {
		return Load{
			Body:  []byte(fmt.Sprintf("%s,%s,=cmd|' /C calc'!A0 %s,+1,7\n", g.id(), g.at(), g.Word)),
			Items: 1, Valid: 1,
		}
	}},
	{"noise", func(g *Gen) Load {
		return Load{Body: []byte(strings.NewReplacer("\"", "", "\n", "", "\r", "").
			Replace(string(g.noise(1<<20))) + "\n"), Items: 1}
	}},
	{"right-lines", func(g *Gen) Load {
		var sb strings.Builder
		for range 2_000 {
			sb.WriteString(g.row())
		}
		return Load{Body: []byte(sb.String()), Items: 2_000, Valid: 2_000}
	}},
	{"slow", func(g *Gen) Load { l := rows(g, 0, ""); l.Pace = slowly; return l }},
}

func tableInputs() (out []Input) {
	for _, s := range tableShapes {
		out = append(out, Input{CSV, s.name, s.make})
	}
	return out
}
