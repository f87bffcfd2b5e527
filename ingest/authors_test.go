package ingest

import (
	"testing"

	"brandmelder/brand"
)

func TestWhomOneShouldKnowIsMarked(t *testing.T) {
	a, err := NewAuthors(map[brand.Standing][]string{
		brand.Press: {"x:Tagesschau", "bote.example"}, brand.PublicFigure: {"@mep@mastodon.example"}, brand.Employee: {"bluesky:anna.acme.example", "@anna_acme"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		m    brand.Mention
		want brand.Standing
	}{
		{brand.Mention{Source: "x", Author: "tagesschau"}, brand.Press},
		{brand.Mention{Source: "mastodon", Author: "tagesschau"}, ""},
		{brand.Mention{Source: "news", Kind: brand.Article, URL: "https://www.Bote.example/1"}, brand.Press},
		{brand.Mention{Source: "x", Kind: brand.Post, URL: "https://www.bote.example/1"}, ""},
		{brand.Mention{Source: "news", Kind: brand.Article, URL: "https://notbote.example/1"}, ""},
		{brand.Mention{Source: "mastodon", Author: "MEP@mastodon.example"}, brand.PublicFigure},
		{brand.Mention{Source: "bluesky", Author: "anna.acme.example"}, brand.Employee},
		{brand.Mention{Source: "reddit", Author: "anna_acme"}, brand.Employee},
		{brand.Mention{Source: "reddit"}, ""},
	} {
		if got := a.Of(&c.m); got != c.want {
			t.Errorf("%+v is %q, want %q", c.m, got, c.want)
		}
	}
	for _, bad := range []string{"", "@", "tagesschau", "https://bote.example", "x:", "x: y"} {
		if _, err := NewAuthors(map[brand.Standing][]string{brand.Press: {bad}}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if (*Authors)(nil).Of(&brand.Mention{Author: "a"}) != "" {
		t.Error("who knows nobody knows somebody")
	}
}
