package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"brandmelder/cmd/brandmelder/hostile"
	"brandmelder/store/storetest"
)

// Amid hostile inputs the daemon is killed and started again. All that it acknowledged, and all that its sources
// offer, is counted, each mention once.
func TestHostileInputsAndKillsLoseNothing(t *testing.T) {
	seed, full, only := hostileChoice(t)
	kills := 2
	if full {
		kills = 6
	}
	if only != "" && only != "kill" {
		t.Skip("another input is asked for")
	}
	if full {
		t.Run("sqlite", func(t *testing.T) { t.Parallel(); killHostile(t, seed, kills, "file:brandmelder.db") })
	}
	t.Run("redis", func(t *testing.T) { t.Parallel(); killHostile(t, seed, kills, storetest.Redis(t)) })
}

// ledgerOf is how many mentions each topic must have.
type ledgerOf struct {
	mu   sync.Mutex
	want map[string]int
}

func (l *ledgerOf) add(e hostile.Entry, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.want[hostileTopic(e)] += n
}

func killHostile(t *testing.T, seed uint64, kills int, st string) {
	f := newFort(t, st, false)
	f.begin()
	book := &ledgerOf{want: map[string]int{}}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	every := func(d time.Duration, do func()) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(d):
					do()
				}
			}
		})
	}
	every(100*time.Millisecond, func() {
		f.pushUntilTaken(book, hostile.APILines, "/api/v1/mentions", "application/x-ndjson")
	})
	every(150*time.Millisecond, func() { f.pushUntilTaken(book, hostile.Hook, "/hooks/hook", "application/json") })
	every(200*time.Millisecond, func() {
		book.add(hostile.File, 1)
		if err := f.add("in.jsonl", [][]byte{[]byte(rightDoc(hostile.File) + "\n}{\n")}, 0); err != nil {
			t.Error(err)
		}
	})
	every(time.Second, func() {
		book.add(hostile.RSS, 1)
		text := "About " + hostileWord(hostile.RSS) + " " + canaryID()
		f.peers[hostile.RSS].Add(hostile.Docs[hostile.RSS].Item("", canaryID(), nowText(), text))
	})
	r := rand.New(rand.NewPCG(seed, 9))
	for range kills {
		time.Sleep(time.Second + time.Duration(r.Int64N(int64(2*time.Second))))
		f.kill()
		f.start()
		f.ready()
	}
	time.Sleep(time.Second)
	close(stop)
	wg.Wait()
	f.countsAre(book)
	(&siege{fort: f}).calm()
}

func rightDoc(e hostile.Entry) string {
	id := canaryID()
	return mentionDoc(id, nowText(), "About "+hostileWord(e)+" "+id)
}

// pushUntilTaken pushes two right mentions around a hostile one, again and again until the answer says that they
// are there.
func (f *fort) pushUntilTaken(book *ledgerOf, e hostile.Entry, path, kind string) {
	form := "%s\n}{\n%s\n"
	if e == hostile.Hook {
		form = `[%s,{"at":5},%s]`
	}
	body := fmt.Sprintf(form, rightDoc(e), rightDoc(e))
	head := map[string]string{"Content-Type": kind, "X-Hub-Signature-256": sign(fortSecret, []byte(body))}
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		status, text, err := f.ask(http.MethodPost, path, head, strings.NewReader(body))
		if out := pushed(status, text, err); err == nil && status < http.StatusBadRequest {
			if book.add(e, 2); out.Taken != 2 || out.Bad != 1 {
				f.t.Errorf("%s: of two right mentions and a wrong one: %s", e, out.Answer)
			}
			return
		}
	}
	f.t.Errorf("%s: not taken in two minutes", e)
}

// countsAre waits until each topic has as many mentions in the store as it must have, and no more.
func (f *fort) countsAre(book *ledgerOf) {
	f.t.Helper()
	now := time.Now()
	count := func(topic string) int {
		ms, err := f.st.Matched(f.t.Context(), topic, now.Add(-time.Hour), now.Add(time.Hour), 100_000)
		if err != nil {
			f.t.Error(err)
		}
		return len(ms)
	}
	for topic, want := range book.want {
		got := 0
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
			if got = count(topic); got == want {
				break
			}
		}
		if got != want {
			f.t.Errorf("%s: %d mentions were counted, want %d", topic, got, want)
		}
	}
	f.t.Logf("each counted once: %v", book.want)
}
