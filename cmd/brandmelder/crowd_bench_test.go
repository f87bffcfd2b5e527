package main

import (
	"bytes"
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// BenchmarkCrowd measures the desk with 1,000 open and 20,000 closed incidents on both stores. It reports medians, each
// also as a ratio to plainly writing as many bytes to the same kind of store.
func BenchmarkCrowd(b *testing.B) {
	for _, s := range crowdStores {
		b.Run(s.name, func(b *testing.B) {
			c := newCrowd(b, s.at, 1000, 20_000)
			write := plainWriter(b, c.address)
			state, quotes, event := size(c.plain, c.plain.Summary), size(c.quotes), size(c.records[len(c.records)-1])
			b.Logf("an incident: state %d bytes, evidence %d, %d events of %d", state, quotes, len(c.records), size(c.records))

			clock(b, "click", write, func() int { c.click(); return state + event })
			clock(b, "start page", write, func() int { return c.get("/") })
			clock(b, "incident page", write, func() int { return c.get("/incidents/" + c.open[0]) })
			clock(b, "first loop", write, func() int { c.step(c.loop()); return len(c.open)*state + 25*quotes })
			l := c.loop()
			c.report() // the first one is passed over: there is no place among the spikes yet
			for range 60 {
				c.step(l) // until all evidence is read
			}
			// It reads the IDs and the versions.
			clock(b, "loop", write, func() int { c.step(l); return 20 * len(c.open) })
			clock(b, "loop after a click", write, func() int {
				c.click()
				began = time.Now()
				c.step(l)
				return 20*len(c.open) + state + quotes
			})
			clock(b, "loop with a spike", write, func() int {
				c.report()
				began = time.Now()
				c.step(l)
				return 20*len(c.open) + state + quotes + size(c.records[:2])
			})
			l.Settle()
		})
	}
}

// began is when the part of a measured function begins that counts.
var began time.Time

// clock reports the median time of f, and its ratio to that of a plain write of as many bytes as f returns.
func clock(b *testing.B, name string, write func(doc []byte), f func() (bytes int)) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		var took []time.Duration
		n := 0
		for b.Loop() {
			began = time.Now()
			n = f()
			took = append(took, time.Since(began))
		}
		var plain []time.Duration
		doc := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
		for range 15 {
			at := time.Now()
			write(doc)
			plain = append(plain, time.Since(at))
		}
		b.ReportMetric(median(took).Seconds()*1000, "ms-median")
		b.ReportMetric(float64(n), "bytes")
		b.ReportMetric(median(plain).Seconds()*1000, "ms-plain")
		b.ReportMetric(median(took).Seconds()/median(plain).Seconds(), "×plain")
	})
}

func median(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)/2]
}

// plainWriter writes a document in one transaction of a database of its own, or under one key.
func plainWriter(b *testing.B, address string) func(doc []byte) {
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx := context.Background()
	if !strings.HasPrefix(address, "file:") {
		opt, err := redis.ParseURL(address)
		must(err)
		client := redis.NewClient(opt)
		b.Cleanup(func() { _ = client.Close() })
		return func(doc []byte) { must(client.Set(ctx, "plain", doc, 0).Err()) }
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "plain.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	must(err)
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE plain (doc BLOB)`)
	must(err)
	return func(doc []byte) {
		_, err := db.Exec(`INSERT INTO plain VALUES (?)`, doc)
		must(err)
	}
}
