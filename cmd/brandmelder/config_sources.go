package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/detect/sentiment"
	"brandmelder/ingest"
	"brandmelder/query"
)

func (k *checker) sources() {
	c := k.c
	seen := map[string]int{}
	topicsRight := !slices.ContainsFunc(c.topics, func(t brand.Topic) bool { _, err := query.Parse(t.Query); return err != nil })
	for i := range c.Sources {
		s := &c.Sources[i]
		if !k.kindKeys("sources", i, s.Kind, ingest.Kinds(), "kind", "name", "every", "retention") {
			continue
		}
		key, file := "token_file", s.TokenFile
		if s.PasswordFile != "" {
			key, file = "password_file", s.PasswordFile
		}
		s.Token = k.secret(file, "sources", i, key)
		if s.Retention != 0 && (s.Retention < 48*time.Hour || s.Retention > c.Retention) {
			k.bad(fmt.Sprintf("retention: want 48h to %s, which is how long all are kept", c.Retention), "sources", i, "retention")
		}
		name := ingest.NameOf(*s)
		if j, twice := seen[name]; twice {
			k.bad(fmt.Sprintf("two sources have the name %q, the first is sources[%d]; give one a name of its own", name, j), "sources", i)
		}
		seen[name] = i
		if name == ingest.API {
			k.bad(fmt.Sprintf("the name %q stands for what is pushed to /api/v1/mentions; give the source another one", name), "sources", i)
		}
		if s.Path != "" && s.Path != "-" && !filepath.IsAbs(s.Path) {
			s.Path = filepath.Join(k.dir, s.Path)
		}
		if file != "" && s.Token == "" {
			continue // reported already
		}
		if _, err := ingest.New(nil, []ingest.Config{*s}, c.topics, ingest.Options{}); err != nil && (topicsRight || !strings.Contains(err.Error(), "topic ")) {
			var ce *ingest.ConfigError
			if errors.As(err, &ce) {
				err = ce.Err
			}
			k.badItem(err, "sources", i)
		}
	}
}

// model reads the model of one's own.
func (k *checker) model() {
	c := k.c
	if c.ToneModel == "" {
		return
	}
	data, _, err := k.read(c.ToneModel)
	if err == nil {
		c.model, err = sentiment.Read(bytes.NewReader(data))
	}
	if err != nil {
		k.bad(fmt.Sprintf("cannot read the tone model: %v; sentiment train makes one", err), "tone_model")
	}
}

// authors gathers whom one should know.
func (k *checker) authors() {
	c := k.c
	lists := map[brand.Standing][]string{brand.Press: c.Press, brand.PublicFigure: c.Public}
	for key, list := range map[string][]string{"press": c.Press, "public_figures": c.Public} {
		for i, e := range list {
			if _, err := ingest.NewAuthors(map[brand.Standing][]string{brand.Press: {e}}); err != nil {
				k.bad(err.Error(), key, i)
			}
		}
	}
	if c.people != nil {
		for _, p := range c.people.Persons {
			lists[brand.Employee] = append(lists[brand.Employee], p.Accounts...)
		}
	}
	var err error
	if c.authors, err = ingest.NewAuthors(lists); err != nil && len(k.problems) == 0 {
		k.others = append(k.others, fmt.Errorf("%s: accounts: %w", c.People, err))
	}
}
