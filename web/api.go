package web

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"brandmelder/brand"
)

func answer(w http.ResponseWriter, code int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	return json.NewEncoder(w).Encode(v)
}

func (s *Server) apiTopics(w http.ResponseWriter, r *http.Request) error {
	docs, err := s.topicDocs(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, docs)
}

func (s *Server) apiIncidents(w http.ResponseWriter, r *http.Request) error {
	ins, err := s.opt.Store.ListIncidents(r.Context(), r.URL.Query().Get("open") == "true", 100)
	if err != nil {
		return err
	}
	if ins == nil {
		ins = []brand.Incident{}
	}
	return answer(w, http.StatusOK, ins)
}

type lineError struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// apiMentions takes one mention as JSON, a list of them, or JSON lines. What is wrong is told by its line or place in the list; the
// rest is taken. 202 if anything was taken or known, 400 if all was wrong.
func (s *Server) apiMentions(w http.ResponseWriter, r *http.Request) error {
	type result struct {
		Taken  int         `json:"taken"`
		Known  int         `json:"known"`
		Errors []lineError `json:"errors"`
	}
	res := result{Errors: []lineError{}}
	items, err := bodyItems(r)
	if err != nil {
		return answer(w, http.StatusBadRequest, result{Errors: []lineError{{1, err.Error()}}})
	}
	var ms []brand.Mention
	for i, item := range items {
		m, err := brand.DecodeMention(item)
		if err != nil {
			res.Errors = append(res.Errors, lineError{i + 1, err.Error()})
			continue
		}
		if m.Source == "" {
			m.Source = "api"
		}
		ms = append(ms, m)
	}
	if res.Taken, err = s.opt.Store.Append(r.Context(), s.opt.Now(), ms); err != nil {
		return err
	}
	res.Known = len(ms) - res.Taken
	code := http.StatusAccepted
	if len(ms) == 0 {
		code = http.StatusBadRequest
	}
	return answer(w, code, res)
}

func bodyItems(r *http.Request) ([]json.RawMessage, error) {
	br := bufio.NewReader(r.Body)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var raw json.RawMessage
		if err := json.NewDecoder(br).Decode(&raw); err != nil {
			return nil, tooLarge(err)
		}
		if raw[0] != '[' {
			return []json.RawMessage{raw}, nil
		}
		var list []json.RawMessage
		err := json.Unmarshal(raw, &list)
		return list, err
	}
	var out []json.RawMessage
	sc := bufio.NewScanner(br)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if line := strings.TrimSpace(sc.Text()); line != "" {
			out = append(out, json.RawMessage(line))
		}
	}
	if len(out) == 0 && sc.Err() == nil {
		return nil, errors.New("the body is empty; send a mention as JSON, a list of them, or JSON lines")
	}
	return out, tooLarge(sc.Err())
}

func tooLarge(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return fmt.Errorf("more than %d MiB in one request", maxBody>>20)
	}
	return err
}
