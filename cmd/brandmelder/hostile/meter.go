package hostile

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Meter watches a process: whether it lives, and the most memory that it had while an input was on its way.
type Meter struct {
	pid  int
	mu   sync.Mutex
	peak map[string]int       // MiB, of each input on its way
	gone map[string]time.Time // when the last inputs were answered
	max  int
	with []string // inputs on their way at the maximum
	died []string // inputs on their way when the process ended
	dead bool
	stop chan struct{}
	done chan struct{}
}

// often is how often the memory is read. The kernel keeps the peak between two readings (VmHWM).
const often = 20 * time.Millisecond

// Watch begins to watch a process.
func Watch(pid int) *Meter {
	m := &Meter{
		pid: pid, peak: map[string]int{}, gone: map[string]time.Time{},
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go m.watch()
	return m
}

func (m *Meter) watch() {
	defer close(m.done)
	for {
		select {
		case <-m.stop:
			return
		case <-time.After(often):
		}
		mib, alive := HighWater(m.pid)
		m.mu.Lock()
		if !alive && !m.dead {
			m.dead, m.died = true, m.names()
		}
		for name := range m.peak {
			m.peak[name] = max(m.peak[name], mib)
		}
		if mib > m.max {
			m.max, m.with = mib, m.names()
		}
		m.mu.Unlock()
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", m.pid), []byte("5"), 0) // a new peak; it may be gone
	}
}

// names are the inputs on their way, and those that were answered a moment ago: the work for them may go on.
func (m *Meter) names() (out []string) {
	for name := range m.peak {
		out = append(out, name)
	}
	for name, at := range m.gone {
		if time.Since(at) < 10*time.Second {
			out = append(out, name+" (answered)")
		}
	}
	slices.Sort(out)
	return out
}

// HighWater is the most memory in MiB that a process had since the peak was reset, and whether it lives.
func HighWater(pid int) (mib int, alive bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || strings.Contains(string(status), "State:\tZ") {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return kib >> 10, true
}

// Begin says that an input is on its way.
func (m *Meter) Begin(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.peak[name] = 0
}

// End returns the peak in MiB while the input was on its way, beside others.
func (m *Meter) End(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer delete(m.peak, name)
	m.gone[name] = time.Now()
	return m.peak[name]
}

// Died says whether the process ended, and which inputs were on their way.
func (m *Meter) Died() (bool, []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead, m.died
}

// Close ends the watching. It returns the highest peak in MiB, and the inputs that were on their way then.
func (m *Meter) Close() (int, []string) {
	close(m.stop)
	<-m.done
	return m.max, m.with
}
