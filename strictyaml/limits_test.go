package strictyaml

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A file that unfolds, nests or goes on without end is an error in few words, in little time and memory.
//
// Fails on 0005da9: 6 MiB of values take 929 MiB and 16 s; 50,000 unknown keys are 50,000 mistakes; an unknown key of 1
// MiB is repeated whole.
func TestAFileHasLimits(t *testing.T) {
	anchors := "a0: &a0 [x]\n"
	for i := range 40 {
		p, n := string(rune('a'+i/10)), string(rune('0'+i%10))
		anchors += p + n + "b: &" + p + n + "b [x, *a0, *a0, *a0]\n"
	}
	for name, text := range map[string]string{
		"values": "tags: [" + strings.Repeat("a,", 3<<20) + "]", "many values": "tags: [" + strings.Repeat("a,", 600_000) + "]", "lines": strings.Repeat("\n", 600_000),
		"keys": manyKeys(50_000), "a key": strings.Repeat("z", 1<<20) + ": 1\n", "a value": "open: " + strings.Repeat("z", 1<<20),
		"flow": "tags: " + strings.Repeat("[", 100_000), "maps": "tags: " + strings.Repeat("{a: ", 100_000), "dashes": "tags:\n" + strings.Repeat("- ", 100_000),
		"anchors": anchors + "tags: [" + strings.Repeat("*a0,", 120_000) + "]",
	} {
		var h house
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		_, ps := Decode("h.yaml", []byte(text), &h)
		runtime.ReadMemStats(&after)
		if err := ps.Err(); err == nil || len(err.Error()) > 200_000 || len(ps) > maxProblems+1 {
			t.Errorf("%s: got %d mistakes, %.200v", name, len(ps), err)
		}
		if used, d := (after.TotalAlloc-before.TotalAlloc)>>20, time.Since(begun); used > 300 || d > 10*time.Second {
			t.Errorf("%s: it took %d MiB and %s", name, used, d)
		}
	}
}

func manyKeys(n int) string {
	var sb strings.Builder
	for i := range n {
		sb.WriteString("key" + strings.Repeat("z", i%7) + string(rune('a'+i%26)) + time.Duration(i).String() + ": 1\n")
	}
	return sb.String()
}

func TestAnEndlessFileIsNotRead(t *testing.T) {
	if _, err := ReadFile("/dev/zero"); err == nil || !strings.Contains(err.Error(), "MiB") {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte("name: a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(path); err != nil || string(data) != "name: a" {
		t.Errorf("got %q, %v", data, err)
	}
}
