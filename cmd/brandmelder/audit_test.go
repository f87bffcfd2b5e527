package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brandmelder/brand"
	"brandmelder/incident"
	"brandmelder/store"
	"brandmelder/store/redisstore"
	"brandmelder/store/sqlite"
	"brandmelder/store/storetest"

	"github.com/redis/go-redis/v9"
)

// audit runs an audit command on a store, and returns what it says and how it ends.
func audit(t *testing.T, address string, args ...string) (string, error) {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(conf, []byte("store: "+address+"\ntopics: [{name: acme, query: acme}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append(append([]string{"audit"}, args...), "--config", conf))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// workedOn saves two incidents that people worked on: "i1" with six events, "i2" with two.
func workedOn(t *testing.T, st store.Store) {
	t.Helper()
	at := time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)
	anna := incident.Actor{ID: "anna", Via: "link"}
	save := func(id string, events ...incident.Event) {
		sp := brand.Spike{ID: "spike of " + id, Topic: "acme", State: brand.Opened, Level: 3, Began: at, Detected: at, Updated: at}
		opened := incident.Opened{ID: id, Kind: incident.Crisis, Spike: sp, Owner: "anna"}
		state, records, err := incident.State{}.Append(incident.Program, at, append([]incident.Event{opened}, events[:1]...)...)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range events[1:] {
			var more []incident.Record
			if state, more, err = state.Append(anna, at.Add(time.Duration(i+1)*time.Minute), e); err != nil {
				t.Fatal(err)
			}
			records = append(records, more...)
		}
		if err := st.SaveIncident(t.Context(), store.Change{State: state, Events: records}); err != nil {
			t.Fatal(err)
		}
	}
	called := incident.Called{Role: incident.Owner, Person: "anna", Reason: incident.Reason{Kind: incident.ReasonOpened}, At: at, Rung: 1}
	save("i1", called, incident.Taken{}, incident.Noted{Text: "The hotline is open."}, incident.Noted{Text: "Calls\x1b[2J get fewer."}, incident.ClosedAs{Outcome: incident.Resolved})
	save("i2", called)
}

// damaged is a store in which events can be changed by hand. Each way returns after it was changed.
type damaged struct {
	address string
	events  func(id string) []string       // as they are stored
	set     func(id string, docs []string) // instead of them
	state   func(id, doc string)
	dump    func() string // all that is stored of incidents
}

func damagedFile(t *testing.T) damaged {
	name := filepath.Join(t.TempDir(), "b.db")
	st, err := sqlite.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	workedOn(t, st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	do := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	list := func(query string, args ...any) (out []string) {
		t.Helper()
		rows, err := db.QueryContext(t.Context(), query, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return out
	}
	return damaged{
		address: "file:" + name,
		events:  func(id string) []string { return list(`SELECT doc FROM events WHERE incident = ? ORDER BY seq`, id) },
		set: func(id string, docs []string) {
			do(`DELETE FROM events WHERE incident = ?`, id)
			for i, doc := range docs {
				do(`INSERT INTO events (incident, seq, doc) VALUES (?, ?, ?)`, id, i+1, []byte(doc))
			}
		},
		state: func(id, doc string) { do(`UPDATE incidents SET doc = ? WHERE id = ?`, []byte(doc), id) },
		dump: func() string {
			return strings.Join(append(list(`SELECT id || doc || summary FROM incidents ORDER BY id`), list(`SELECT incident || seq || doc FROM events ORDER BY 1`)...), "\n")
		},
	}
}

func damagedRedis(t *testing.T) damaged {
	address := storetest.Redis(t)
	st, err := redisstore.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	workedOn(t, st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	opt, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(opt)
	t.Cleanup(func() { _ = c.Close() })
	ctx := context.Background()
	events := func(id string) []string { return c.LRange(ctx, "bm:events:"+id, 0, -1).Val() }
	return damaged{
		address: address, events: events,
		set: func(id string, docs []string) {
			c.Del(ctx, "bm:events:"+id)
			for _, doc := range docs {
				c.RPush(ctx, "bm:events:"+id, doc)
			}
		},
		state: func(id, doc string) { c.HSet(ctx, "bm:incident:"+id, "doc", doc) },
		dump: func() string {
			var out []string
			for _, id := range []string{"i1", "i2"} {
				out = append(append(out, events(id)...), c.HGet(ctx, "bm:incident:"+id, "doc").Val(), c.HGet(ctx, "bm:incident:"+id, "summary").Val())
			}
			return strings.Join(out, "\n")
		},
	}
}

var stores = map[string]func(t *testing.T) damaged{"file": damagedFile, "Redis": damagedRedis}

// Somebody with access to the store changes what people did that night. audit verify names the event, and leaves the
// store as it is.
func TestAuditNamesTheFirstBrokenEvent(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			whole := st.events("i1")
			said, err := audit(t, st.address, "verify")
			if err != nil || said != "8 events of 2 incidents are as they were written\n" {
				t.Fatalf("a whole store: %v: %s", err, said)
			}
			for _, c := range []struct {
				name   string
				events func(docs []string) []string
				want   string
			}{
				{"changed", func(docs []string) []string {
					docs[3] = strings.Replace(docs[3], "is open", "is shut", 1)
					return docs
				}, "incident i1: event 4 (noted, 2026-03-14 02:02:00) was changed"},
				{"missing", func(docs []string) []string { return append(docs[:2:2], docs[3:]...) }, "incident i1: event 3 is missing"},
				{"last missing", func(docs []string) []string { return docs[:5] }, "incident i1: event 6 is missing"},
				{"all missing", func([]string) []string { return nil }, "incident i1: event 1 is missing"},
				{"moved", func(docs []string) []string { docs[3], docs[4] = docs[4], docs[3]; return docs }, "incident i1: event 4 is missing or was moved"},
				{"no JSON", func(docs []string) []string { docs[4] = "\x00 nothing"; return docs }, "incident i1: event 5 cannot be read"},
			} {
				st.set("i1", c.events(append([]string{}, whole...)))
				before := st.dump()
				said, err := audit(t, st.address, "verify")
				if err == nil || !strings.HasPrefix(said, c.want) || err.Error() != "1 incident of 2 broken" {
					t.Errorf("%s: got %v: %s", c.name, err, said)
				}
				if _, err := audit(t, st.address, "show", "i1"); err == nil || !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("%s: show ends with %v", c.name, err)
				}
				if said, err := audit(t, st.address, "verify", "i2"); err != nil || !strings.HasPrefix(said, "2 events of 1 incident are") {
					t.Errorf("%s: of the other incident: %v: %s", c.name, err, said)
				}
				if st.dump() != before {
					t.Errorf("%s: the audit changed the store", c.name)
				}
			}
		})
	}
}

// People read the state. So a state that says what no event says is named too, and one that cannot be read is not made
// anew by the audit.
func TestAuditNamesAStateThatWasChanged(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			for doc, want := range map[string]string{
				"no JSON":     "incident i1: its state cannot be read",
				`{"id":"i2"}`: "incident i1: its state cannot be read",
				`{"id":"i1"}`: "incident i1: event 1 was added",
				ofMallory(t):  "incident i1: its state is not what its events lead to",
			} {
				st.state("i1", doc)
				before := st.dump()
				if said, err := audit(t, st.address, "verify"); err == nil || !strings.HasPrefix(said, want) {
					t.Errorf("state %.40s: got %v: %s", doc, err, said)
				}
				if st.dump() != before {
					t.Errorf("state %.40s: the audit changed the store", doc)
				}
			}
		})
	}
}

// ofMallory is the state of i1 with somebody else as its owner.
func ofMallory(t *testing.T) string {
	t.Helper()
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	workedOn(t, st)
	s, err := st.Incident(t.Context(), "i1")
	if err != nil {
		t.Fatal(err)
	}
	s.Owner = "mallory"
	doc, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// The events are shown in plain English, and as JSON as they are stored. What people wrote moves no cursor.
func TestAuditShowsTheEvents(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			said, err := audit(t, st.address, "show", "i1")
			want := `   1  2026-03-14 02:00:00  brandmelder: opened at level 3, moderate breeze; playbook “”:
   2  2026-03-14 02:00:00  brandmelder: calls anna (one voice): a new incident
   3  2026-03-14 02:01:00  anna (link): took it
   4  2026-03-14 02:02:00  anna (link): The hotline is open.
   5  2026-03-14 02:03:00  anna (link): Calls [2J get fewer.
   6  2026-03-14 02:04:00  anna (link): closed it
`
			if err != nil || said != want {
				t.Errorf("got %v:\n%s", err, said)
			}
			said, err = audit(t, st.address, "show", "i1", "--json")
			var records []incident.Record
			if err := json.Unmarshal([]byte(said), &records); err != nil {
				t.Fatal(err)
			}
			if broken := incident.Verify("i1", records, nil); err != nil || len(records) != 6 || broken != nil {
				t.Errorf("got %v, %d records, %v", err, len(records), broken)
			}
			said, err = audit(t, st.address, "verify", "--json")
			var found audited
			if err := json.Unmarshal([]byte(said), &found); err != nil {
				t.Fatal(err)
			}
			if err != nil || found.Events != 8 || len(found.Incidents) != 2 || found.Incidents[0].Head != records[5].Hash {
				t.Errorf("got %v, %+v", err, found)
			}
		})
	}
}
