package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // timezones on machines without them

	"brandmelder/alert/assist"
	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/detect/sentiment"
	"brandmelder/i18n"
	"brandmelder/incident"
	"brandmelder/ingest"
	"brandmelder/people"
	"brandmelder/playbooks"
	"brandmelder/strictyaml"
)

// configFile is config.yaml as people write it; config.example.yaml explains each key.
type configFile struct {
	Store string `yaml:"store"`

	StorePasswordFile string `yaml:"store_password_file"`

	Language  string                 `yaml:"language"`
	Timezone  string                 `yaml:"timezone"`
	Retention time.Duration          `yaml:"retention"`
	Incidents time.Duration          `yaml:"incidents_kept"`
	Lease     time.Duration          `yaml:"lease"`
	Shards    int                    `yaml:"shards"`
	Holidays  []string               `yaml:"holidays"`
	Contact   string                 `yaml:"contact"`
	ToneModel string                 `yaml:"tone_model"`
	Press     []string               `yaml:"press"`
	Public    []string               `yaml:"public_figures"`
	Topics    []topicLine            `yaml:"topics"`
	Planned   []plannedLine          `yaml:"planned"`
	Sources   []ingest.Config        `yaml:"sources"`
	People    string                 `yaml:"people"`
	Playbooks []string               `yaml:"playbooks"`
	Channels  []notify.Config        `yaml:"channels"`
	Operators operatorsLine          `yaml:"operators"`
	Drafts    *assist.WriterConfig   `yaml:"drafts"`
	LargerEar *assist.AssessorConfig `yaml:"larger_ear"`
	Web       webLine                `yaml:"web"`
}

// config is what the daemon runs with: checked, its files read.
type config struct {
	configFile
	topics   []brand.Topic
	planned  []brand.Planned
	holiday  func(day time.Time) bool
	location *time.Location
	people   *people.People
	authors  *ingest.Authors
	model    *sentiment.Model // nil for the embedded one
	shelf    *playbooks.Shelf
	channels []namedChannel
	password string
	proxies  []netip.Prefix // whose X-Forwarded-For is believed
	hints    []string       // what was found while reading, is allowed, and yet may not be meant
}

type namedChannel struct {
	name    string
	kind    string
	channel notify.Channel
}

// loadConfig reads and checks a configuration with all files that it names. Every mistake is in the error, each with
// its place.
func loadConfig(path string) (*config, error) {
	data, _, err := readNamed(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	dir := filepath.Dir(path)
	return parseConfig(path, data, func(name string) ([]byte, fs.FileInfo, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return readNamed(name)
	})
}

// maxNamed is how many bytes are read of a file that the configuration names: a tone model is the largest of them.
const maxNamed = 64 << 20

// readNamed reads a file that the configuration names. A device is none, and a pipe without a writer is empty.
func readNamed(name string) ([]byte, fs.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Mode()&fs.ModeDevice != 0 {
		return nil, nil, fmt.Errorf("%s is a device, not a file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxNamed+1))
	if err == nil && len(data) > maxNamed {
		err = fmt.Errorf("%s has more than %d MiB", name, maxNamed>>20)
	}
	return data, info, err
}

// checker gathers the problems of one configuration.
type checker struct {
	c        *config
	doc      *strictyaml.Doc
	problems strictyaml.Problems
	others   []error // of other files
	path     string
	dir      string
	read     func(name string) ([]byte, fs.FileInfo, error)
}

func (k *checker) bad(msg string, at ...any) {
	k.problems = append(k.problems, k.doc.Problem(msg, at...))
}

func parseConfig(path string, data []byte, read func(string) ([]byte, fs.FileInfo, error)) (*config, error) {
	k := &checker{c: &config{}, read: read, path: path, dir: filepath.Dir(path)}
	k.doc, k.problems = strictyaml.Decode(path, data, &k.c.configFile)
	c := k.c
	if len(k.problems) > 0 && len(k.doc.Keys()) == 0 {
		return nil, k.problems.Err() // it cannot be read at all
	}
	k.general()
	k.storeSecrets(data)
	k.topics()
	k.calendar()
	k.sources()
	k.channels()
	k.plans()
	k.authors()
	k.model()
	k.web()
	if err := errors.Join(append([]error{k.problems.Err()}, k.others...)...); err != nil {
		return nil, err
	}
	return c, nil
}

func (k *checker) general() {
	c := k.c
	if c.Store == "" {
		c.Store = "file:brandmelder.db"
	}
	if u, err := url.Parse(c.Store); err != nil || u.Scheme != "file" && u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix" {
		k.bad("store: want file:NAME or redis://host:6379/0", "store")
	}
	if name, ok := strings.CutPrefix(c.Store, "file:"); ok && name != ":memory:" && !filepath.IsAbs(name) {
		c.Store = "file:" + filepath.Join(k.dir, name)
	}
	if c.Language == "" {
		c.Language = i18n.Default
	}
	if !slices.Contains(i18n.Languages(), c.Language) {
		k.bad(fmt.Sprintf("language %q: want one of %s", c.Language, strings.Join(i18n.Languages(), ", ")), "language")
	}
	c.location = time.UTC
	if c.Timezone != "" {
		loc, err := time.LoadLocation(c.Timezone)
		if err != nil {
			k.bad(fmt.Sprintf("timezone %q is not known; write it as in Europe/Berlin", c.Timezone), "timezone")
		} else {
			c.location = loc
		}
	}
	if strings.ContainsFunc(c.Contact, func(r rune) bool { return r < ' ' || r > '~' || r == '(' || r == ')' }) {
		k.bad("contact: want an address of mail or web, such as https://acme.example/contact", "contact")
	}
	if c.Retention == 0 {
		c.Retention = 30 * 24 * time.Hour
	} else if c.Retention < 48*time.Hour {
		k.bad("retention: want at least 48h: a day's mentions may still change", "retention")
	}
	if c.Incidents == 0 {
		c.Incidents = 730 * 24 * time.Hour
	} else if c.Incidents < 30*24*time.Hour {
		k.bad("incidents_kept: want at least 720h: people look back at what was closed", "incidents_kept")
	}
	if c.Shards == 0 {
		c.Shards = 1
	} else if c.Shards < 0 || c.Shards > 64 {
		k.bad("shards: want 1 to 64", "shards")
	}
}

// badItem reports what a package found wrong with an item of a list: at the key that the error begins with, if it is
// there.
func (k *checker) badItem(err error, list string, i int) {
	key, _, _ := strings.Cut(err.Error(), " ")
	if key = strings.TrimSuffix(key, ":"); slices.Contains(k.doc.Keys(list, i), key) {
		k.bad(err.Error(), list, i, key)
		return
	}
	k.bad(err.Error(), list, i)
}

// kindKeys checks that an item of the list has only the keys of its kind.
func (k *checker) kindKeys(list string, i int, kind string, kinds map[string][]string, common ...string) bool {
	keys, ok := kinds[kind]
	if !ok {
		var names []string
		for n := range kinds {
			names = append(names, n)
		}
		k.bad(fmt.Sprintf("kind %q is not known%s", kind, strictyaml.Suggest(kind, names)), list, i, "kind")
		return false
	}
	for _, key := range k.doc.Keys(list, i) {
		if !slices.Contains(keys, key) && !slices.Contains(common, key) {
			p := k.doc.Problem(fmt.Sprintf("%s has no key %q; it has %s", kind, key, strings.Join(keys, ", ")), list, i, key)
			k.problems = append(k.problems, p)
		}
	}
	return true
}

func (k *checker) channels() {
	c := k.c
	seen := map[string]bool{}
	for i := range c.Channels {
		ch := &c.Channels[i]
		if !k.kindKeys("channels", i, ch.Kind, notify.Kinds(), "kind", "name") {
			continue
		}
		if ch.Name == "" {
			ch.Name = ch.Kind
		}
		if seen[ch.Name] {
			k.bad(fmt.Sprintf("two channels have the name %q", ch.Name), "channels", i)
		}
		seen[ch.Name] = true
		before := len(k.problems)
		ch.Secret = k.secret(ch.URLFile, "channels", i, "url_file")
		ch.Password = k.secret(ch.PasswordFile, "channels", i, "password_file")
		if len(k.problems) > before {
			continue
		}
		made, err := notify.New(*ch)
		if err != nil {
			k.badItem(err, "channels", i)
			continue
		}
		c.channels = append(c.channels, namedChannel{ch.Name, ch.Kind, made})
	}
	for i, name := range c.Operators.Channels {
		if !slices.Contains(channelNames(c), name) {
			k.bad(fmt.Sprintf("operators: no channel has the name %q%s", name, strictyaml.Suggest(name, channelNames(c))), "operators", "channels", i)
		}
	}
	if len(c.Operators.Channels) == 0 {
		c.Operators.Channels = channelNames(c)
	}
	if d := c.Drafts; d != nil {
		switch d.Model {
		case "":
			k.bad("drafts needs a model", "drafts")
		case incident.FromPlaybook:
			k.bad(fmt.Sprintf("a model cannot be called %q: a draft of that name is a playbook's own", d.Model), "drafts", "model")
		}
		d.Key = k.secret(d.KeyFile, "drafts", "key_file")
	}
	if e := c.LargerEar; e != nil {
		if e.Model == "" {
			k.bad("larger_ear needs a model", "larger_ear")
		}
		given := k.doc.Keys("larger_ear") // a number left out is another matter than 0
		if slices.Contains(given, "sample") && (e.Sample < 1 || e.Sample > 200) {
			k.bad("sample: want 1 to 200 texts", "larger_ear", "sample")
		}
		if slices.Contains(given, "calls_a_day") && e.CallsADay < 1 {
			k.bad("calls_a_day: want 1 or more; leave larger_ear out to ask nobody", "larger_ear", "calls_a_day")
		}
		if e.Price < 0 {
			k.bad("price: want 0 or more", "larger_ear", "price")
		}
		switch {
		case !slices.Contains(given, "money_a_month"):
		case e.MoneyAMonth <= 0:
			k.bad("money_a_month: want more than 0; leave it out to count calls alone", "larger_ear", "money_a_month")
		case e.Price == 0:
			k.bad("money_a_month needs the price of a million tokens", "larger_ear", "money_a_month")
		}
		e.Key = k.secret(e.KeyFile, "larger_ear", "key_file")
	}
}

func (k *checker) plans() {
	c := k.c
	if len(c.Playbooks) == 0 {
		c.Playbooks = []string{"builtin:de", "builtin:en"}
	}
	c.shelf = &playbooks.Shelf{}
	for i, p := range c.Playbooks {
		if !strings.HasPrefix(p, "builtin:") && !filepath.IsAbs(p) {
			c.Playbooks[i] = filepath.Join(k.dir, p)
		}
	}
	shelf, err := playbooks.Load(c.Playbooks...)
	var problems strictyaml.Problems
	switch {
	case errors.As(err, &problems):
		k.others = append(k.others, problems)
	case err != nil:
		k.bad(err.Error(), "playbooks")
	default:
		c.shelf = shelf
	}
	if c.People == "" {
		return
	}
	data, _, err := k.read(c.People)
	if err != nil {
		k.bad(fmt.Sprintf("cannot read people: %v", err), "people")
		return
	}
	name := c.People
	if !filepath.IsAbs(name) {
		name = filepath.Join(k.dir, name)
	}
	if c.people, err = people.Parse(name, data); err != nil {
		k.others = append(k.others, err)
		return
	}
	if err := c.people.Check(wanted(c.shelf)); err != nil {
		k.others = append(k.others, err)
	}
	if err := c.people.CheckChannels(channelNames(c)); err != nil {
		k.others = append(k.others, err)
	}
	k.approvers()
}

func channelNames(c *config) []string {
	var out []string
	for _, ch := range c.Channels {
		out = append(out, ch.Name)
	}
	return out
}
