package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"brandmelder/store/storetest"
)

// The daemon is killed again and again while it listens: in the end every mention is counted exactly once.
func TestKilledAtAnyMomentEveryMentionIsCountedOnce(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "brandmelder")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	t.Run("sqlite", func(t *testing.T) { kill(t, bin, "file:brandmelder.db") })
	t.Run("redis", func(t *testing.T) { kill(t, bin, storetest.Redis(t)) })
}

func kill(t *testing.T, bin, store string) {
	const kills, lines = 8, 400
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("store: %q\nlease: 600ms\ntopics: [{name: acme, query: acme}]\nsources: [{kind: file, path: m.jsonl, every: 100ms}]\nweb: {listen: %q}\n", store, addr)
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "m.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	start := func() *exec.Cmd {
		cmd := exec.Command(bin, "run", "--config", filepath.Join(dir, "c.yaml"))
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	written := 0
	write := func(n int) {
		for ; n > 0 && written < lines; n-- {
			line := fmt.Sprintf(`{"id":"m%d","at":%q,"text":"acme number %d"}`+"\n", written, time.Now().UTC().Format(time.RFC3339Nano), written)
			for range 1 + written%2 { // every other one twice
				if _, err := f.WriteString(line); err != nil {
					t.Fatal(err)
				}
			}
			written++
		}
	}
	for range kills {
		cmd := start()
		until := time.Now().Add(time.Duration(300+rand.IntN(2200)) * time.Millisecond)
		for time.Now().Before(until) {
			write(3)
			time.Sleep(40 * time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
	}
	write(lines)
	last := start()
	defer func() {
		_ = last.Process.Kill()
		_ = last.Wait()
	}()
	got := int64(-1)
	for until := time.Now().Add(100 * time.Second); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		if got = counted(addr); got >= lines {
			break
		}
	}
	if got != lines {
		out, _ := os.ReadFile(log.Name())
		t.Errorf("counted %d mentions, want %d\n%s", got, lines, out)
	}
}

// counted asks the daemon how many mentions the topic has; the board is brought up to date each minute.
func counted(addr string) int64 {
	res, err := http.Get("http://" + addr + "/api/v1/topics")
	if err != nil {
		return -1
	}
	defer res.Body.Close()
	var docs []struct {
		Mentions int64 `json:"mentions"`
	}
	if json.NewDecoder(res.Body).Decode(&docs) != nil || len(docs) != 1 {
		return -1
	}
	return docs[0].Mentions
}
