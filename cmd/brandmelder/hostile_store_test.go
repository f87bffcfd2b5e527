package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brandmelder/store/storetest"

	"github.com/redis/go-redis/v9"
)

// hand writes into a store what no brandmelder would.
type hand interface {
	mention(doc, heard string) // an entry of the stream; both as they stand there
	snapshot(change func(pos string, state []byte) (string, []byte))
	document(kind, name, doc string)
	cursor(name, value string)
	spike(doc string)
	dead() int // dead letters
	heal()     // takes away what mention, document, cursor and spike wrote
}

// storeDamage is a hostile thing in the store. Behind it a right mention must be counted soon.
type storeDamage struct {
	name   string
	silent bool // it need not be counted or reported: it says nothing, and does no harm
	stop   bool // the daemon is stopped meanwhile, as only then it is read
	do     func(h hand)
}

var storeDamages = []storeDamage{
	{"entry-not-json", false, false, func(h hand) { h.mention("}{", ms(0)) }},
	{"entry-of-another-form", false, false, func(h hand) { h.mention(`[1,2]`, ms(0)) }},
	{"entry-truncated", false, false, func(h hand) { h.mention(`{"id":"a","at":"2026-`, ms(0)) }},
	{"entry-nul-bytes", false, false, func(h hand) { h.mention(strings.Repeat("\x00", 1<<20), ms(0)) }},
	{"entry-deep", false, false, func(h hand) {
		h.mention(`{"id":"deep","at":"`+nowText()+`","text":"hostilestore","extra":{"x":`+
			strings.Repeat("[", 9_999)+strings.Repeat("]", 9_999)+`}}`, ms(0))
	}},
	{"entry-of-9-MB", false, false, func(h hand) {
		h.mention(mentionDoc("long", nowText(), "hostilestore "+strings.Repeat("lorem ", 1_500_000)), ms(0))
	}},
	{"entry-without-time", false, false, func(h hand) { h.mention(`{"id":"a","text":"hostilestore"}`, ms(0)) }},
	{"entry-of-year-1", false, false, func(h hand) {
		h.mention(mentionDoc("old", "0001-01-01T00:00:00Z", "hostilestore"), ms(0))
	}},
	{"entry-of-year-9999", false, false, func(h hand) {
		h.mention(mentionDoc("new", "9999-12-31T00:00:00Z", "hostilestore"), ms(0))
	}},
	{"heard-not-a-number", false, false, func(h hand) { h.mention(mentionDoc("a1", nowText(), "hostilestore"), "never") }},
	{"heard-below-zero", false, false, func(h hand) {
		h.mention(mentionDoc("a2", nowText(), "hostilestore"), "-9223372036854775808")
	}},
	{"heard-next-year", false, false, func(h hand) {
		h.mention(mentionDoc("a3", nowText(), "hostilestore"), ms(365*24*time.Hour))
	}},
	{"heard-2^62", false, false, func(h hand) {
		h.mention(mentionDoc("a4", nowText(), "hostilestore"), "4611686018427387904")
	}},
	{"two-thousand-bad-entries", false, false, func(h hand) {
		for i := range 2_000 {
			h.mention(fmt.Sprintf("}{%d", i), ms(0))
		}
	}},
	{"snapshot-truncated", false, true, func(h hand) {
		h.snapshot(func(pos string, state []byte) (string, []byte) { return pos, state[:len(state)/2] })
	}},
	{"snapshot-flipped", false, true, func(h hand) {
		h.snapshot(func(pos string, state []byte) (string, []byte) {
			for i := 100; i < len(state); i += len(state)/20 + 1 {
				state[i] ^= 0xff
			}
			return pos, state
		})
	}},
	{"snapshot-empty", false, true, func(h hand) {
		h.snapshot(func(pos string, _ []byte) (string, []byte) { return pos, nil })
	}},
	{"snapshot-of-noise", false, true, func(h hand) {
		h.snapshot(func(pos string, _ []byte) (string, []byte) { return pos, []byte(strings.Repeat("\x7f\xff", 1<<20)) })
	}},
	{"snapshot-beyond-the-last-mention", false, true, func(h hand) {
		h.snapshot(func(_ string, state []byte) (string, []byte) { return "9000000000000", state })
	}},
	{"correction-not-json", true, false, func(h hand) { h.document("correction", "c-store/x", "}{") }},
	{"feedback-not-json", true, false, func(h hand) { h.document("feedback", "c-store/x", "}{") }},
	{"topic-not-json", true, false, func(h hand) { h.document("topic", "c-store", "}{") }},
	{"source-not-json", true, true, func(h hand) { h.document("source", "file", "}{") }},
	{"cursor-below-zero", true, true, func(h hand) { h.cursor("source/file", "-5") }},
	{"cursor-beyond-the-end", true, true, func(h hand) { h.cursor("source/file", "9223372036854775807") }},
	{"cursor-not-a-number", true, true, func(h hand) { h.cursor("source/file", "}{") }},
	{"spike-not-json", false, false, func(h hand) { h.spike("}{") }},
	{"spike-deep", false, false, func(h hand) { h.spike(`{"x":` + strings.Repeat("[", 20_000)) }},
}

// redisDamages are what only Redis lets a stranger do: fields that are not there, and keys of another type.
var redisDamages = []redisDamage{
	{"entry-without-heard", false, func(h *redisHand) { h.add("d", mentionDoc("b1", nowText(), "hostilestore")) }},
	{"entry-without-document", false, func(h *redisHand) { h.add("h", ms(0)) }},
	{"entry-with-other-fields", false, func(h *redisHand) { h.add("x", "y") }},
	{"documents-are-a-string", true, func(h *redisHand) { h.other("bm:documents:topic") }},
	{"positions-are-a-string", false, func(h *redisHand) { h.other("bm:positions") }},
	{"dead-letters-are-a-string", true, func(h *redisHand) { h.other("bm:dead") }},
	{"matches-are-a-string", false, func(h *redisHand) { h.other("bm:matches:c-store") }},
}

type redisDamage struct {
	name   string
	silent bool
	do     func(h *redisHand)
}

// ms is a time from now in milliseconds, as entries have it.
func ms(from time.Duration) string { return fmt.Sprint(time.Now().Add(from).UnixMilli()) }

// What is damaged in the store by hand, or by a disk, stops neither the daemon nor its detection, and is
// reported.
func TestHostileEntriesInTheStore(t *testing.T) {
	seed, full, only := hostileChoice(t)
	var damages []storeDamage
	for i, d := range storeDamages {
		if few := i%5 == int(seed%5); only == "" && (full || few) || only == "store/"+d.name {
			damages = append(damages, d)
		}
	}
	var beside []storeDamage
	for i, d := range redisDamages {
		if few := i%5 == int(seed%5); only == "" && (full || few) || only == "store/"+d.name {
			beside = append(beside, storeDamage{d.name, d.silent, false, func(h hand) { d.do(h.(*redisHand)) }})
		}
	}
	if len(damages)+len(beside) == 0 {
		t.Skipf("%s is nothing in a store", only)
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); damageStore(t, damages, "file:brandmelder.db") })
	t.Run("redis", func(t *testing.T) { t.Parallel(); damageStore(t, append(damages, beside...), storetest.Redis(t)) })
}

func damageStore(t *testing.T, damages []storeDamage, st string) {
	f := newFort(t, st, false)
	f.write("c.yaml", fmt.Sprintf(`store: %q
lease: 2s
topics: [{name: c-store, query: canarystore}, {name: h-store, query: hostilestore}]
sources: [{kind: file, name: file, path: in.jsonl, every: 500ms}]
web: {listen: %q, password_file: web.password}
`, st, f.addr))
	onFile := strings.HasPrefix(st, "file:")
	var h hand = &sqliteHand{t: t, path: filepath.Join(f.dir, "brandmelder.db")}
	if !onFile {
		opt, err := redis.ParseURL(st)
		if err != nil {
			t.Fatal(err)
		}
		c := redis.NewClient(opt)
		defer c.Close()
		h = &redisHand{t: t, c: c}
	}
	f.start()
	f.ready()
	f.canaryBehind("nothing")
	time.Sleep(3 * time.Second) // a snapshot is saved by then
	var table strings.Builder
	for _, d := range damages {
		dead, logged, counted := h.dead(), f.logSize(), f.counted("h-store")
		if stop := d.stop || onFile; stop { // the file belongs to one process
			f.kill()
			counted = 0 // the counter begins anew
			d.do(h)
			f.start()
			f.ready()
		} else {
			d.do(h)
		}
		took := f.canaryBehind("store/" + d.name)
		reported := func() bool { return h.dead() > dead || f.counted("h-store") > counted || f.logged(logged, "room=") }
		for range 50 {
			if d.silent || reported() {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if !d.silent && !reported() {
			t.Errorf("store/%s: neither counted, nor a dead letter, nor a warning in the log", d.name)
		}
		fmt.Fprintf(&table, "%-42s %6.1f s, %d dead letters\n", "store/"+d.name, took.Seconds(), h.dead()-dead)
		h.heal()
		if took > canarySoon { // the next one is tried on a sound daemon
			f.kill()
			h.heal()
			f.start()
			f.ready()
		}
	}
	t.Logf("%d damages\n%s", len(damages), table.String())
	(&siege{fort: f}).calm()
}

// canaryBehind pushes a right mention and says how long it took until it was counted.
func (f *fort) canaryBehind(what string) time.Duration {
	f.t.Helper()
	before := f.counted("c-store")
	if err := f.pushOne("canarystore"); err != nil {
		f.t.Errorf("%s: the right mention behind it was not taken: %v", what, err)
	}
	sent := time.Now()
	found := f.wait("c-store", before+1, 3*canarySoon)
	took := time.Since(sent)
	if !found {
		f.t.Errorf("%s: the right mention behind it was not counted in %s", what, 3*canarySoon)
	} else if took > canarySoon {
		f.t.Errorf("%s: the right mention behind it was counted after %s", what, took.Round(100*time.Millisecond))
	}
	return took
}
