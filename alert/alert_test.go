package alert

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/playbooks"
	"brandmelder/store/sqlite"
)

var t0 = time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)

const folk = `people:
  - {id: anna, name: Anna, role: Press officer, one_voice: true, channels: [first, second]}
  - {id: ben, name: Ben, role: Head of social media, one_voice: true, hours: ["Mon-Fri 09:00-17:00"]}
  - {id: gil, name: Gil, role: Managing director}
`

func testDesk(t *testing.T) *Desk {
	t.Helper()
	shelf, err := playbooks.Load("builtin:de", "builtin:en")
	if err != nil {
		t.Fatal(err)
	}
	people, err := playbooks.ParsePeople("people.yaml", []byte(folk))
	if err != nil {
		t.Fatal(err)
	}
	return &Desk{
		Shelf: shelf, People: people, Lang: "en", Channels: []string{"first", "second"},
		Topics: []brand.Topic{{Name: "acme"}, {Name: "acme-service"}, {Name: "rival", Role: brand.Competitor}},
	}
}

func spike(id, topic string, level brand.Level, said ...string) brand.Spike {
	sp := brand.Spike{ID: id, Topic: topic, Kind: brand.Volume, State: brand.Opened, Level: level, Began: t0, Detected: t0, Updated: t0, Observed: 20}
	for _, s := range said {
		sp.Evidence.Terms = append(sp.Evidence.Terms, brand.Term{Text: s})
	}
	return sp
}

func roles(calls []brand.Call) (out []string) {
	for _, c := range calls {
		out = append(out, c.Role+" "+c.Reason)
	}
	return out
}

func TestASpikeBelowTheLevelACompetitorsAndReliefCallNobody(t *testing.T) {
	d := testDesk(t)
	praise := spike("p", "acme", 1)
	praise.Kind = brand.Praise
	crisis, _ := d.Receive(spike("s", "acme", 3), nil, nil, t0)
	for name, in := range map[string]*brand.Incident{
		"light air": first(d.Receive(spike("a", "acme", brand.LightAir), nil, nil, t0)),
		"a rival":   first(d.Receive(spike("b", "rival", brand.Storm), nil, nil, t0)),
		"relief":    first(d.Receive(praise, []brand.Incident{*crisis}, nil, t0)),
	} {
		if in != nil {
			t.Errorf("%s opened %+v", name, in)
		}
	}
}

func first(in *brand.Incident, _ []brand.Call) *brand.Incident { return in }

// The owner is called at once; unanswered, the deputy, the decider, then everybody; who takes it ends that.
func TestNobodyAnswersAndTheNextPersonIsCalled(t *testing.T) {
	d := testDesk(t)
	in, calls := d.Receive(spike("s", "acme", 3, "fire", "smoke"), nil, nil, t0)
	got := roles(calls)
	for m := 1; m <= 90; m++ {
		_, calls := d.Due(in, t0.Add(time.Duration(m)*time.Minute))
		got = append(got, roles(calls)...)
	}
	want := []string{"owner opened", "deputy nobody answered, 1", "decider nobody answered, 2", "team nobody answered, 3", "team nobody answered, 3"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q (the team on both channels)", got, want)
	}
	taken, _ := d.Receive(spike("s", "acme", 3, "fire"), nil, nil, t0)
	taken.AckBy = "anna"
	if changed, _ := d.Due(taken, t0.Add(time.Hour)); changed {
		t.Error("it was taken, and somebody is called all the same")
	}
}

func TestOneStormOverTwoTopicsIsOneIncidentAndEachLevelIsToldOnce(t *testing.T) {
	d := testDesk(t)
	in, _ := d.Receive(spike("s", "acme", 3, "fire", "smoke", "burnt"), nil, nil, t0)
	joined, calls := d.Receive(spike("u", "acme-service", 4, "fire", "smoke", "burnt"), []brand.Incident{*in}, nil, t0)
	if joined == nil || joined.ID != in.ID || !slices.Equal(joined.Topics, []string{"acme", "acme-service"}) || !slices.Equal(roles(calls), []string{"owner growing to level 4"}) {
		t.Fatalf("got %+v, %v", joined, roles(calls))
	}
	again := spike("u", "acme-service", 4, "fire")
	again.Updated, again.State = t0.Add(time.Hour), brand.Lasting
	if _, calls := d.Receive(again, []brand.Incident{*joined}, nil, t0); len(calls) != 0 {
		t.Errorf("the same level was told again: %v", roles(calls))
	}
	if same, _ := d.Receive(again, []brand.Incident{*joined}, nil, t0); same != nil && same.Version != joined.Version {
		t.Error("a telling received twice is news")
	}
	other, _ := d.Receive(spike("v", "acme-service", 3, "delivery"), nil, nil, t0)
	if other.ID == in.ID {
		t.Error("another matter got the same incident")
	}
}

func TestGoodNewsWakesNobody(t *testing.T) {
	d := testDesk(t)
	sp := spike("p", "acme", 1)
	sp.Kind = brand.Praise
	in, calls := d.Receive(sp, nil, nil, t0) // Saturday night
	if in.Kind != brand.Opportunity || in.Owner != "ben" || !calls[0].Due.Equal(time.Date(2026, 3, 16, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("got %s for %s, due %v; want it on Monday at nine", in.Kind, in.Owner, calls[0].Due)
	}
}

type channelFunc func() error

func (f channelFunc) Send(context.Context, brand.Message, *brand.Person) error { return f() }

// A channel that fails is tried five times, then the person's next one; the dead letters and the timeline say so.
func TestACallThatFailsIsRepeatedAndThenGoesAnotherWay(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	d := testDesk(t)
	in, calls := d.Receive(spike("s", "acme", 3, "fire"), nil, nil, t0)
	in.AckBy = "anna"
	if err := st.SaveIncident(t.Context(), in, calls); err != nil {
		t.Fatal(err)
	}
	tries, reached := 0, 0
	l := NewLoop(st, d, Options{Channels: map[string]Channel{
		"first": channelFunc(func() error { tries++; return errors.New("no answer") }), "second": channelFunc(func() error { reached++; return nil }),
	}})
	for m := range 30 {
		if err := l.Step(t.Context(), t0.Add(time.Duration(m)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if tries != maxTries || reached != 1 {
		t.Errorf("tried %d times and reached %d, want %d and 1", tries, reached, maxTries)
	}
	dead, err := st.ListDeadLetters(t.Context(), 9)
	if err != nil || len(dead) != 1 {
		t.Errorf("dead letters: %v, %v", dead, err)
	}
	now, _ := st.Incident(t.Context(), in.ID)
	if last := now.Timeline[len(now.Timeline)-1].What; !strings.Contains(last, "trying second") {
		t.Errorf("the timeline ends with %q", last)
	}
}

// Chat and hook get what, how bad, since when, why, what first, and a link; strangers' words cannot call a channel or add marks.
func TestAMessageSaysAllAndItsErrorsKeepTheSecret(t *testing.T) {
	code, got := http.StatusOK, ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("ok"))
	}))
	defer srv.Close()
	m := brand.Message{Title: "acme: <!channel> *fire*", Bad: "level 3 of 6", Since: "since 18:02", Why: "64 voices", First: "Call product safety", Link: "https://x.example/call/t", Level: 3, Kind: brand.Crisis, Lang: "en"}
	for kind, parts := range map[string][]string{"slack": {"‹!channel›", "level 3 of 6", "since 18:02", "64 voices", "Call product safety", "https://x.example/call/t"}, "webhook": {"level 3 of 6", "since 18:02", "64 voices", "Call product safety", "https://x.example/call/t"}} {
		code = http.StatusOK
		ch, err := NewChannel(ChannelConfig{Kind: kind, Secret: srv.URL + "/geheim"})
		if err != nil {
			t.Fatal(err)
		}
		if err := ch.Send(t.Context(), m, nil); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for _, p := range parts {
			if !strings.Contains(got, p) {
				t.Errorf("%s: %q is not in %s", kind, p, got)
			}
		}
		code = http.StatusTooManyRequests
		var later *Later
		if err := ch.Send(t.Context(), m, nil); !errors.As(err, &later) || later.After != 7*time.Second || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s, 429: got %v", kind, err)
		}
		code = http.StatusNotFound
		if err := ch.Send(t.Context(), m, nil); !errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s, 404: got %v", kind, err)
		}
		gone, err := NewChannel(ChannelConfig{Kind: kind, Secret: "http://127.0.0.1:1/geheim"})
		if err != nil {
			t.Fatal(err)
		}
		if err := gone.Send(t.Context(), m, nil); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s, nobody there: got %v", kind, err)
		}
	}
}

func TestTheModelsDraftStandsBesideThePlaybooksOrSaysWhyNot(t *testing.T) {
	answer, code := `{"choices":[{"message":{"role":"assistant","content":"{\"text\":\"We are checking.\"}"}}]}`, http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(answer))
	}))
	defer srv.Close()
	w := NewWriter(WriterConfig{BaseURL: srv.URL, Model: "m", Key: "geheim"})
	in, _ := testDesk(t).Receive(spike("s", "acme", 3, "fire"), nil, nil, t0)
	before := len(in.Drafts)
	w.improve(t.Context(), testDesk(t), in, t0)
	if len(in.Drafts) != before+2 || in.Drafts[before].Text != "We are checking." || in.Drafts[before].From != "m" || w.wants(in) {
		t.Errorf("got %+v", in.Drafts[before:])
	}
	for what, c := range map[string]struct {
		code   int
		answer string
	}{
		"429":      {http.StatusTooManyRequests, `{"error":{"message":"key geheim is limited"}}`},
		"nonsense": {http.StatusOK, `{"choices":[{"message":{"content":"sure! here it is"}}]}`},
	} {
		code, answer = c.code, c.answer
		in, _ := testDesk(t).Receive(spike("s", "acme", 3, "fire"), nil, nil, t0)
		w.improve(t.Context(), testDesk(t), in, t0)
		if len(in.Drafts) != before || !strings.Contains(in.Drafts[0].Note, "gave no draft") || strings.Contains(in.Drafts[0].Note, "geheim") {
			t.Errorf("%s: got %+v", what, in.Drafts)
		}
	}
}

// A side that takes the call and never answers, or cuts the connection, holds nobody up, and the call is tried again.
func TestAChannelThatHangsIsAnErrorInTime(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "cut") {
			panic(http.ErrAbortHandler)
		}
		<-hang
	}))
	defer srv.Close()
	defer close(hang)
	for _, kind := range []string{"slack", "webhook"} {
		for _, path := range []string{"/hang/geheim", "/cut/geheim"} {
			ch, err := NewChannel(ChannelConfig{Kind: kind, Secret: srv.URL + path})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			began := time.Now()
			err = ch.Send(ctx, brand.Message{Title: "acme", Bad: "level 3"}, nil)
			cancel()
			if err == nil || errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "geheim") || time.Since(began) > 5*time.Second {
				t.Errorf("%s%s: got %v after %s", kind, path, err, time.Since(began))
			}
		}
	}
	in, _ := testDesk(t).Receive(spike("s", "acme", 3, "fire"), nil, nil, t0)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	NewWriter(WriterConfig{BaseURL: srv.URL + "/hang", Model: "m", Key: "geheim"}).improve(ctx, testDesk(t), in, t0)
	if !strings.Contains(in.Drafts[0].Note, "gave no draft") || strings.Contains(in.Drafts[0].Note, "geheim") || in.Drafts[0].Text == "" {
		t.Errorf("the model hangs: got %+v", in.Drafts[0])
	}
}

// What a person closed stays closed, but not when it grows beyond that.
func TestAClosedStormThatGrowsIsANewMatter(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	d := testDesk(t)
	l := NewLoop(st, d, Options{Channels: map[string]Channel{"first": Recorder{}, "second": Recorder{}}})
	tell := func(level brand.Level, minute int) int {
		t.Helper()
		sp, now := spike("s", "acme", level), t0.Add(time.Duration(minute)*time.Minute)
		sp.Updated, sp.State = now, brand.Lasting
		if err := errors.Join(st.AppendSpikes(t.Context(), []brand.Spike{sp}), l.Step(t.Context(), now)); err != nil {
			t.Fatal(err)
		}
		open, err := st.ListIncidents(t.Context(), true, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(open)
	}
	tell(3, 0)
	open, err := st.ListIncidents(t.Context(), true, 10)
	if err != nil || len(open) != 1 {
		t.Fatal(len(open), err)
	}
	a := &Actions{Desk: d, Store: st, Now: func() time.Time { return t0.Add(time.Minute) }}
	if err := a.Close(t.Context(), open[0].ID, "anna"); err != nil {
		t.Fatal(err)
	}
	if n := tell(3, 2); n != 0 {
		t.Errorf("%d open at the level at which it was closed", n)
	}
	if n := tell(4, 3); n != 1 {
		t.Errorf("%d open at a higher level", n)
	}
	if n := tell(4, 4); n != 1 {
		t.Errorf("%d open when it is told again", n)
	}
}
