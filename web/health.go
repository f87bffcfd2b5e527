package web

import (
	"errors"
	"net/http"
	"time"
	"unicode"
	"unicode/utf8"

	"brandmelder/alert"
	"brandmelder/i18n"
	"brandmelder/store"
)

// errStoreSilent is for a page that cannot be read now. It is found before the store is asked, which could take long.
var errStoreSilent = errors.New("the store does not answer")

// health is that of detection; a server without a Health works.
func (s *Server) health() store.Health {
	if s.opt.Health == nil {
		return store.Health{}
	}
	return s.opt.Health()
}

// trouble is the notice on every page: detection is down, or had to go on after faults in the last day.
type trouble struct {
	Down  string   // in one sentence; "" while detection works
	First string   // what to do
	Never bool     // it has not run yet
	Since string   // "" if that is not known
	Went  []string // the faults of the last day, newest first
}

// trouble words the health of detection in the language of the pages.
func (s *Server) trouble(words *words) (t trouble) {
	h := s.health()
	if !h.Working() {
		why, first := alert.CauseText(h.Cause, words.Printer)
		t.Down, t.First, t.Never = sentence(why), first, h.Cause == store.DetectionNever
		if !h.Since.IsZero() {
			t.Since = words.clock(h.Since)
		}
	}
	seen := map[store.FaultKind]bool{}
	for i := len(h.Faults) - 1; i >= 0; i-- {
		f := h.Faults[i]
		if what, _ := alert.FaultText(f.Kind, words.Printer); what != "" && !seen[f.Kind] {
			seen[f.Kind] = true
			t.Went = append(t.Went, words.clock(f.At)+": "+sentence(what))
		}
	}
	return t
}

// sentence makes a sentence of a part of one.
func sentence(part string) string {
	first, size := utf8.DecodeRuneInString(part)
	return string(unicode.ToUpper(first)) + part[size:] + "."
}

// ready answers whether brandmelder does its work: the store took a write lately, and detection ran.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	h := s.health()
	if h.Working() {
		_, err := w.Write([]byte("ready\n"))
		return err
	}
	why, _ := alert.CauseText(h.Cause, i18n.In(i18n.Default))
	line := sentence(why)
	if !h.Since.IsZero() {
		line += " It last worked at " + h.Since.UTC().Format(time.RFC3339) + "."
	}
	http.Error(w, line, http.StatusServiceUnavailable)
	return nil
}

// apiHealth answers the same as JSON.
func (s *Server) apiHealth(w http.ResponseWriter, _ *http.Request) error {
	h := s.health()
	doc := struct {
		Working bool          `json:"working"`
		Cause   store.Cause   `json:"cause,omitempty"`
		Since   time.Time     `json:"since,omitzero"`
		Faults  []store.Fault `json:"faults"`
	}{h.Working(), h.Cause, h.Since, h.Faults}
	if doc.Faults == nil {
		doc.Faults = []store.Fault{}
	}
	return answer(w, http.StatusOK, doc)
}
