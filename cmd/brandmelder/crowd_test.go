package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/access"
	"brandmelder/alert"
	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/cmd/brandmelder/story"
	"brandmelder/incident"
	"brandmelder/people"
	"brandmelder/playbooks"
	"brandmelder/store"
	"brandmelder/store/storetest"
	"brandmelder/web"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// crowd is a desk with many incidents, and the pages of its store.
type crowd struct {
	testing.TB
	st      store.Store
	address string
	desk    *alert.Desk
	actions *alert.Actions
	pages   *web.Server
	now     time.Time
	open    []string // IDs
	clicks  int
	spikes  int
	plain   incident.State // one of the incidents as all of them are
	quotes  brand.Spike    // its evidence
	records []incident.Record
}

// crowdStores are both kinds of stores, as addresses; a store ends with the test.
var crowdStores = []struct {
	name string
	at   func(t testing.TB) string
}{
	{"SQLite", func(t testing.TB) string { return "file:" + filepath.Join(t.TempDir(), "crowd.db") }},
	{"Redis", storetest.Redis},
}

const crowdTopics = 20 // of the company; each has had many incidents

// newCrowd fills a store. Every incident is one that people worked on, with its whole playbook, and is not due. The
// incidents are copies of one: the hashes of their events are not theirs.
func newCrowd(t testing.TB, at func(testing.TB) string, open, closed int) *crowd {
	t.Helper()
	conf, err := loadConfig("demo/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{TB: t, address: at(t), now: story.Begins.Add(240 * time.Hour)}
	if c.st, err = openStore(t.Context(), c.address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.st.Close() })
	conf.topics = nil
	for i := range crowdTopics {
		conf.topics = append(conf.topics, brand.Topic{Name: crowdTopic(i), Query: "moccaria"})
	}
	conf.topics = append(conf.topics, brand.Topic{Name: "rival", Query: "rival", Role: brand.Competitor})
	conf.shelf, err = playbooks.Load("builtin:de", "builtin:en")
	c.must(err)
	c.desk = conf.desk("mail", "pager")
	c.actions = &alert.Actions{Desk: c.desk, Store: c.st, Now: func() time.Time { return c.now }}
	c.pages, err = web.New(web.Options{
		Store: c.st, Desk: c.desk, Topics: conf.topics, Now: func() time.Time { return c.now }, Log: slog.New(slog.DiscardHandler),
		Visitor: access.Principal{Roles: []access.Role{access.Admin}, By: access.ByLocal},
	})
	c.must(err)
	c.quotes = crowdSpike()
	c.live()
	c.fill(open, closed)
	for _, topic := range conf.topics {
		c.must(c.st.SaveStatus(t.Context(), store.TopicStatus{Name: topic.Name, Query: topic.Query, Since: story.Begins, At: c.now, Curve: c.quotes.Series}))
	}
	return c
}

func crowdTopic(i int) string { return fmt.Sprintf("topic-%02d", i%crowdTopics) }

func (c *crowd) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// crowdSpike is a storm of the demo's story with all that it quotes.
func crowdSpike() brand.Spike {
	began := story.Begins.Add(200 * time.Hour)
	sp := brand.Spike{
		ID: "storm", Kind: brand.Volume, State: brand.Lasting, Level: brand.FreshWind, Began: began, Detected: began.Add(20 * time.Minute),
		Updated: began.Add(3 * time.Hour), Window: "1h0m0s", Observed: 312, Expected: 14, Low: 6, High: 25, NegativeShare: 0.71,
		ExpectedNegative: 0.12, Score: 41.3, Threshold: 0.7, Confidence: 0.99, PeakPerHour: 211, Total: 870,
	}
	for i := range 96 {
		sp.Series = append(sp.Series, brand.Point{
			At: began.Add(time.Duration(i-90) * 15 * time.Minute), Voices: float64(i) * 3.137, Negative: float64(i) * 1.713, Expected: 14.25, Low: 6.11, High: 25.9,
		})
	}
	said := story.Tell(story.Storm)
	quote := func(i int) brand.Mention {
		m := said[i*7%len(said)]
		m.Text = strings.Repeat(m.Text+" ", 1+1000/(len(m.Text)+1)) // as long as posts of the fediverse are
		m.URL = "https://social.example/@somebody/" + m.ID
		return m
	}
	ev := &sp.Evidence
	ev.Mentions, ev.Voices, ev.Authors, ev.Small, ev.Articles = 1290, 870, 801, 544, 3
	ev.Sources, ev.Languages = map[string]int{"mastodon": 700, "x": 500, "feed": 90}, map[string]int{"de": 1200, "en": 90}
	for i := range 5 {
		ev.Samples = append(ev.Samples, quote(i))
	}
	for i := range 10 {
		ev.Clusters = append(ev.Clusters, brand.Cluster{First: quote(100 + i), Copies: 40 - i, Reach: 90_000, Sources: ev.Sources})
		ev.Amplifiers = append(ev.Amplifiers, brand.Amplifier{Author: fmt.Sprint("author", i), Source: "mastodon", Mentions: 9, Reach: 120_000})
	}
	for i, word := range strings.Fields("wartung griff platzt verbrüht rückruf glas dampf druck ventil maschine moccaria kundendienst") {
		ev.Terms = append(ev.Terms, brand.Term{Text: word, Score: 20 - float64(i), Count: 300 - i})
	}
	for i := range 64 {
		ev.Sketch = append(ev.Sketch, uint32(i)*40_000_000)
	}
	return sp
}

// live is the life of the one incident: it is opened, taken, worked on and talked about, in some thirty events.
func (c *crowd) live() {
	sp := c.quotes
	sp.Topic = crowdTopic(0)
	_, begin := c.desk.Receive(sp, nil, nil, sp.Detected)
	var s incident.State
	at := sp.Detected
	act := func(who string, command incident.Command) {
		at = at.Add(time.Minute)
		by := incident.Program
		if who != "" {
			by = incident.Actor{ID: who, Via: "link"}
		}
		events, _, err := incident.Decide(s, by, command, at)
		c.must(err)
		var records []incident.Record
		s, records, err = s.Append(by, at, events...)
		c.must(err)
		c.records = append(c.records, records...)
	}
	act("", begin)
	owner := s.Owner
	act(owner, incident.Take{Roster: c.desk.Roster(at)})
	for i := range s.Steps[:min(len(s.Steps), 3)] {
		act(owner, incident.Check{Step: s.Steps[i].ID, Done: true})
	}
	act(owner, incident.Edit{Statement: "d1", Revision: 1, Text: s.Statements[0].Latest().Text + " Mehr um 12 Uhr.", Roster: c.desk.Roster(at)})
	for len(c.records) < 30 {
		sp.Observed++
		act("", incident.ReceiveSpike{Spike: incident.Brief(sp), Roster: c.desk.Roster(at)})
		act(owner, incident.Note{Text: "Das Labor hat die dritte Maschine geprüft. Der Griff hält; das Ventil war verkalkt."})
	}
	c.plain = s
}

// copy is the one incident as another one.
func (c *crowd) copy(i int, closed bool) store.Change {
	s := c.plain
	began := c.plain.Began.Add(-time.Duration(i) * time.Minute)
	s.ID = fmt.Sprintf("%016x", uint64(i+1)*0x9e3779b97f4a7c15)
	s.Topics = []string{crowdTopic(i)}
	s.Began, s.Detected = began, began.Add(20*time.Minute)
	if closed {
		s.Status, s.Closed, s.Outcome, s.Due = incident.Closed, began.Add(72*time.Hour), incident.Resolved, time.Time{}
	}
	s.Spikes = slices.Clone(s.Spikes)
	sp := &s.Spikes[0]
	sp.ID, sp.Topic, sp.Began, sp.Updated = "spike-"+s.ID, s.Topics[0], began, sp.Updated.Add(began.Sub(sp.Began))
	quotes := c.quotes
	quotes.ID, quotes.Topic, quotes.Began, quotes.Updated = sp.ID, sp.Topic, sp.Began, sp.Updated
	ch := store.Change{State: s, Events: c.records, Evidence: []brand.Spike{quotes}}
	for j, to := range []string{s.Owner, s.Owner, s.Deputy, s.Deputy, ""} {
		call := incident.Call{Incident: s.ID, To: to, Role: incident.Owner, Created: s.Detected, Due: s.Detected, Reason: incident.Reason{Kind: incident.ReasonOpened, Level: s.Level, Number: j}}
		call = call.On([]string{"mail", "pager"}[j%2])
		call.Sent = s.Detected.Add(time.Second)
		ch.Calls = append(ch.Calls, call)
	}
	return ch
}

func (c *crowd) fill(open, closed int) {
	began := time.Now()
	var group errgroup.Group
	group.SetLimit(4)
	for i := range open + closed {
		ch := c.copy(i, i >= open)
		if i < open {
			c.open = append(c.open, ch.State.ID)
		}
		group.Go(func() error { return c.st.SaveIncident(c.Context(), ch) })
	}
	c.must(group.Wait())
	c.Logf("%d open and %d closed incidents saved in %s", open, closed, time.Since(began).Round(time.Millisecond))
}

// click lets a person do the next of the usual things with the next incident.
func (c *crowd) click() {
	c.Helper()
	id := c.open[c.clicks%len(c.open)]
	kind := (c.clicks + c.clicks/len(c.open)) % 3
	c.clicks++
	who, command := c.plain.Owner, incident.Command(incident.Note{Text: "Die Werkstatt meldet sich um 14 Uhr wieder."})
	switch kind {
	case 1:
		command = incident.Check{Step: "s1", Done: c.clicks/len(c.open)%2 == 1}
	case 2:
		if who = c.plain.Decider; c.clicks/len(c.open)%2 == 1 {
			who = c.plain.Owner
		}
		command = incident.Take{Roster: c.actions.Roster()}
	}
	err := c.actions.Do(c.Context(), id, incident.Actor{ID: who, Via: "link"}, func(*incident.State) incident.Command { return command })
	c.must(err)
}

// get asks for a page, and returns its length.
func (c *crowd) get(path string) int {
	c.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	r.RemoteAddr = "127.0.0.1:5000"
	w := httptest.NewRecorder()
	c.pages.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		c.Fatalf("%s: %d %.200s", path, w.Code, w.Body)
	}
	return w.Body.Len()
}

// silent is a channel that takes every message.
type silent struct{}

func (silent) Send(context.Context, notify.Message, *people.Person) error { return nil }

// loop is a desk loop that has not read anything yet.
func (c *crowd) loop() *alert.Loop {
	return alert.NewLoop(c.st, c.desk, alert.Options{Channels: map[string]notify.Channel{"mail": silent{}, "pager": silent{}}})
}

func (c *crowd) step(l *alert.Loop) {
	c.Helper()
	c.must(l.Step(c.Context(), c.now))
}

// report puts a new spike on the stream, which belongs to none of the open incidents.
func (c *crowd) report() {
	c.Helper()
	c.spikes++
	sp := c.quotes
	sp.ID, sp.Topic = fmt.Sprint("new-", c.spikes), fmt.Sprint("new-", c.spikes)
	ev := &sp.Evidence
	ev.Terms, ev.Sketch, ev.Samples = []brand.Term{{Text: sp.ID}}, nil, story.Tell()[:5]
	c.must(c.st.AppendSpikes(c.Context(), []brand.Spike{sp}))
}

// size is the length of the values as JSON.
func size(values ...any) (n int) {
	for _, v := range values {
		doc, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		n += len(doc)
	}
	return n
}

// Limits of a loaded machine: five times what the benchmark may take, with fewer incidents.
const (
	slowClick = 100 * time.Millisecond
	slowPage  = 250 * time.Millisecond
	slowLoop  = 500 * time.Millisecond
)

// One click, the start page and one loop take about as long however many incidents there are.
func TestManyIncidentsSlowNothingDown(t *testing.T) {
	for _, s := range crowdStores {
		t.Run(s.name, func(t *testing.T) {
			c := newCrowd(t, s.at, 150, 150)
			l := c.loop()
			c.step(l)
			c.usually("click", slowClick, c.click)
			c.usually("start page", slowPage, func() { c.get("/") })
			c.usually("loop", slowLoop, func() { c.step(l) })
			c.usually("loop with a spike", slowLoop, func() { c.report(); c.step(l) })
			l.Settle()
		})
	}
}

func (c *crowd) usually(what string, limit time.Duration, f func()) {
	c.Helper()
	var took []time.Duration
	for range 5 {
		at := time.Now()
		f()
		took = append(took, time.Since(at))
	}
	if got := median(took); got > limit {
		c.Errorf("%s: %s, want at most %s", what, got, limit)
	}
}

// A click and a loop ask the store for as much with many incidents as with few.
func TestMoreIncidentsAreNoMoreQuestionsToTheStore(t *testing.T) {
	asked := func(open int) (click, loop, spike int) {
		c := newCrowd(t, storetest.Redis, open, open)
		l := c.loop()
		step := func() { c.step(l); l.Settle() }
		c.report()
		for range 10 { // until it has read all evidence
			step()
		}
		click = c.commands(c.click)
		step()
		loop = c.commands(step)
		c.report()
		spike = c.commands(step)
		return click, loop, spike
	}
	click, loop, spike := asked(5)
	if c, l, s := asked(100); c != click || l != loop || s != spike {
		t.Errorf("a click, a loop and a loop with a spike ask %d, %d and %d times; with fewer incidents %d, %d and %d times", c, l, s, click, loop, spike)
	}
}

// commands is how many commands Redis runs for f.
func (c *crowd) commands(f func()) int {
	c.Helper()
	opt, err := redis.ParseURL(c.address)
	c.must(err)
	client := redis.NewClient(opt)
	defer client.Close()
	processed := func() (n int) {
		info, err := client.Info(c.Context(), "stats").Result()
		c.must(err)
		_, info, _ = strings.Cut(info, "total_commands_processed:")
		_, err = fmt.Sscan(info, &n)
		c.must(err)
		return n
	}
	before := processed()
	f()
	return processed() - before
}
