package main

import (
	"bytes"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"brandmelder/detect/sentiment"
)

// The example loads, and holds every key that the configuration has.
func TestTheExampleHasEveryKeyAndLoads(t *testing.T) {
	data, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	people, err := demoFiles.ReadFile("demo/people.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"people.yaml": {Data: people, Mode: 0o600}, "slack.url": {Data: []byte("https://slack.example/x"), Mode: 0o600}, "ntfy.url": {Data: []byte("ntfy://ntfy.example/topic"), Mode: 0o600}}
	for _, name := range []string{"x.token", "smtp.password", "llm.key", "web.password", "mastodon.token", "bluesky.password", "reddit.secret", "youtube.key", "telegram.token", "imap.password", "webhook.secret"} {
		files[name] = &fstest.MapFile{Data: []byte("secret, and long enough"), Mode: 0o600}
	}
	files["playstore.json"] = &fstest.MapFile{Data: []byte(`{"client_email":"a@b","private_key":"k","token_uri":"https://t.example"}`), Mode: 0o600}
	var model bytes.Buffer
	if err := sentiment.Default().Write(&model); err != nil {
		t.Fatal(err)
	}
	files["tone.bin"] = &fstest.MapFile{Data: model.Bytes()}
	conf, err := parseConfig("config.example.yaml", data, func(name string) ([]byte, fs.FileInfo, error) {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, nil, err
		}
		info, err := fs.Stat(files, name)
		return b, info, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if conf.model == nil || conf.rules(conf.topics).Scorer == nil {
		t.Error("the model of one's own is not used")
	}
	if len(conf.topics) != 2 || len(conf.channels) != 5 {
		t.Errorf("got %d topics and %d channels, want 2 and 5", len(conf.topics), len(conf.channels))
	}
	for _, key := range yamlKeys(reflect.TypeFor[configFile]()) {
		if !strings.Contains(string(data), key+":") {
			t.Errorf("config.example.yaml lacks the key %s", key)
		}
	}
}

func yamlKeys(typ reflect.Type) (out []string) {
	for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil
	}
	for i := range typ.NumField() {
		if tag := typ.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			out = append(append(out, tag), yamlKeys(typ.Field(i).Type)...)
		}
	}
	return out
}

// A secret that everybody can read is reported, and never printed.
func TestAReadableSecretIsReportedAndNotPrinted(t *testing.T) {
	files := fstest.MapFS{"t": {Data: []byte("hunter2hunter2"), Mode: 0o644}}
	_, err := parseConfig("c.yaml", []byte("topics: [{name: a, query: a}]\nsources: [{kind: x, token_file: t}]\n"), func(name string) ([]byte, fs.FileInfo, error) {
		b, err := fs.ReadFile(files, name)
		info, _ := fs.Stat(files, name)
		return b, info, err
	})
	if err == nil || !strings.Contains(err.Error(), "c.yaml:2:33: t can be read by everybody") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
