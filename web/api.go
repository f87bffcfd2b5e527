package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"brandmelder/i18n"
	"brandmelder/incident"
	"brandmelder/store"
)

// isAPI reports whether a program asks: everything that it is answered is JSON.
func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// apiError is the answer to a request that failed as a whole.
type apiError struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, code int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	return json.NewEncoder(w).Encode(v)
}

// apiFail answers an error of a handler. Its text goes to the log: programs see a status and a plain sentence.
func (s *Server) apiFail(w http.ResponseWriter, r *http.Request, err error) {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			_ = answer(w, c.code, apiError{i18n.In(i18n.Default).T(c.text)}) // who does not read it has hung up
			return
		}
	}
	if r.Context().Err() == nil {
		s.opt.Log.Error("api", "path", r.URL.Path, "error", err)
	}
	_ = answer(w, http.StatusInternalServerError, apiError{i18n.In(i18n.Default).T("error.internal")})
}

// apiAnswers makes every answer under /api/ JSON, also those of the router and of what guards the handlers, and
// answers a handler that panics.
func (s *Server) apiAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAPI(r) {
			next.ServeHTTP(w, r)
			return
		}
		j := &jsonErrors{ResponseWriter: w}
		defer func() {
			v := recover()
			if err, ok := v.(error); v == nil || ok && errors.Is(err, http.ErrAbortHandler) {
				if v != nil {
					panic(v)
				}
				j.end()
				return
			}
			s.opt.Log.Error("api", "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if !j.begun {
				_ = answer(w, http.StatusInternalServerError, apiError{i18n.In(i18n.Default).T("error.internal")})
			}
		}()
		next.ServeHTTP(j, r)
	})
}

// maxErrorPage is how much of an error page is kept to be answered as JSON, in bytes.
const maxErrorPage = 1000

// jsonErrors passes answers on, but for errors and redirects that are not JSON: their text becomes {"error": …}.
type jsonErrors struct {
	http.ResponseWriter
	begun bool
	code  int // of an error that is held back; 0 for none
	text  []byte
}

func (j *jsonErrors) Unwrap() http.ResponseWriter { return j.ResponseWriter }

func (j *jsonErrors) WriteHeader(code int) {
	if j.begun || j.code != 0 {
		return
	}
	if code >= 300 && !strings.HasPrefix(j.Header().Get("Content-Type"), "application/json") {
		j.code = code
		return
	}
	if code >= 200 {
		j.begun = true
	}
	j.ResponseWriter.WriteHeader(code)
}

func (j *jsonErrors) Write(b []byte) (int, error) {
	if j.code != 0 {
		j.text = append(j.text, b[:min(len(b), maxErrorPage-len(j.text))]...)
		return len(b), nil
	}
	j.begun = true
	return j.ResponseWriter.Write(b)
}

// end writes the error that was held back.
func (j *jsonErrors) end() {
	if j.code == 0 {
		return
	}
	text := strings.TrimSpace(string(j.text))
	var e apiError
	switch {
	case json.Unmarshal(j.text, &e) == nil && e.Error != "": // JSON under another name
	case text == "" || strings.HasPrefix(text, "<") || strings.HasPrefix(j.Header().Get("Content-Type"), "text/html"):
		e.Error = http.StatusText(j.code)
	default:
		e.Error = strings.ToValidUTF8(text, "")
	}
	j.Header().Del("Content-Length")
	_ = answer(j.ResponseWriter, j.code, e)
}

func (s *Server) apiTopics(w http.ResponseWriter, r *http.Request) error {
	docs, err := s.topicStatuses(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, docs)
}

// errNoPage is for the beginning of a page that none has.
var errNoPage = errors.New("no such page")

// apiIncidents answers a page of incidents, the newest first. The header Next-Page has the value of after for the next
// page, where there is one.
func (s *Server) apiIncidents(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if _, _, err := store.PageStart(q.Get("after")); err != nil {
		return fmt.Errorf("%w: %w", errNoPage, err)
	}
	ins, next, err := s.opt.Store.ListIncidents(r.Context(), store.IncidentQuery{
		Open: q.Get("open") == "true", After: q.Get("after"), Limit: maxOpen,
	})
	if err != nil {
		return err
	}
	if ins == nil {
		ins = []incident.Summary{}
	}
	if next != "" {
		w.Header().Set("Next-Page", next)
	}
	return answer(w, http.StatusOK, ins)
}

// apiIncident answers one incident: its state, its events, and what became of its calls.
func (s *Server) apiIncident(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), r.PathValue("id")
	in, err := s.opt.Store.Incident(ctx, id)
	if err != nil {
		return err
	}
	events, err := s.opt.Store.Events(ctx, id)
	if err != nil {
		return err
	}
	calls, err := s.opt.Store.CallsOf(ctx, id)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, struct {
		incident.State
		Events []incident.Record `json:"events"`
		Calls  []incident.Call   `json:"calls"`
	}{in, events, calls})
}
