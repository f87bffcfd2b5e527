// Package xtest simulates X's API for tests, in the documented form (https://docs.x.com/x-api): recent search with
// pages, recent counts, the filtered stream with its rules, and the search of v1.1; with the faults of the real one.
package xtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is what is wrong with an answer.
type Fault int

// The faults.
const (
	None        Fault = iota
	TooMany           // 429; x-rate-limit-reset says when to come back
	Unavailable       // 503
	Cut               // half of the answer, then the connection is closed
	Refused           // 401
)

// Server is X. Its methods may be called while it serves.
type Server struct {
	URL   string
	Token string
	Page  int           // most posts of a page; 0 means as many as are asked for
	Reset time.Duration // how far ahead a 429 puts its reset
	Skew  time.Duration // how far X's clock is ahead of ours
	Again bool          // a page begins with the last post of the one before, as when posts arrive between them

	mu      sync.Mutex
	posts   []post
	next    []Fault
	wild    func() Fault
	rules   []rule
	streams map[chan post]bool
	reads   int
	asked   map[string]int
}

type post struct {
	id         int64
	at         time.Time
	text, lang string
}

type rule struct {
	ID    string `json:"id"`
	Value string `json:"value"`
	Tag   string `json:"tag,omitempty"`
}

// New starts X. It ends with the test.
func New(t testing.TB, token string) *Server {
	s := &Server{Token: token, Reset: time.Second, streams: map[chan post]bool{}, asked: map[string]int{}}
	srv := httptest.NewServer(s)
	s.URL = srv.URL
	t.Cleanup(func() {
		s.Hangup()
		srv.CloseClientConnections()
		srv.Close()
	})
	return s
}

// Post publishes a text at that time and returns its mention's ID.
func (s *Server) Post(at time.Time, lang, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := post{id: int64(len(s.posts) + 1), at: at.Add(s.Skew), text: text, lang: lang}
	s.posts = append(s.posts, p)
	for ch := range s.streams {
		select {
		case ch <- p:
		default: // a client too slow loses its stream
			close(ch)
			delete(s.streams, ch)
		}
	}
	return "x:" + strconv.FormatInt(p.id, 10)
}

// Next sets the faults of the next answers of search, in this order.
func (s *Server) Next(fs ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, fs...)
}

// Wild makes one answer in four faulty from now on, at random, with any fault but Refused.
func (s *Server) Wild(r *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wild = func() Fault {
		if r.IntN(4) > 0 {
			return None
		}
		return TooMany + Fault(r.IntN(3))
	}
}

// Tame ends Wild.
func (s *Server) Tame() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wild = nil
}

// Hangup ends all streams.
func (s *Server) Hangup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.streams {
		close(ch)
		delete(s.streams, ch)
	}
}

// Streams returns how many clients read the stream.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// Reads returns how many posts X sent, as it bills them.
func (s *Server) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// Asked returns the number of requests for a path.
func (s *Server) Asked(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// Rules returns the stream's rules as "tag: value".
func (s *Server) Rules() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		out = append(out, r.Tag+": "+r.Value)
	}
	return out
}

// AddRule adds a rule of somebody else.
func (s *Server) AddRule(tag, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, rule{strconv.Itoa(len(s.rules) + 100), value, tag})
}

func (s *Server) fault(path string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[path]++
	if len(s.next) > 0 && strings.Contains(path, "/search/") {
		f := s.next[0]
		s.next = s.next[1:]
		return f
	}
	if s.wild != nil {
		return s.wild()
	}
	return None
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+s.Token {
		http.Error(w, `{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}`, http.StatusUnauthorized)
		return
	}
	w.Header().Set("Date", time.Now().Add(s.Skew).UTC().Format(http.TimeFormat))
	f := s.fault(r.URL.Path)
	switch f {
	case TooMany:
		w.Header().Set("x-rate-limit-limit", "450")
		w.Header().Set("x-rate-limit-remaining", "0")
		w.Header().Set("x-rate-limit-reset", strconv.FormatInt(time.Now().Add(s.Reset).Unix(), 10))
		http.Error(w, `{"title":"Too Many Requests","detail":"Too Many Requests","type":"about:blank","status":429}`, http.StatusTooManyRequests)
		return
	case Unavailable:
		http.Error(w, `{"title":"Service Unavailable","detail":"Service Unavailable","type":"about:blank","status":503}`, http.StatusServiceUnavailable)
		return
	case Refused:
		http.Error(w, `{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}`, http.StatusUnauthorized)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /2/tweets/search/recent":
		s.search(w, r, f)
	case "GET /2/tweets/counts/recent":
		since, _ := strconv.ParseInt(r.URL.Query().Get("since_id"), 10, 64)
		s.mu.Lock()
		n := max(0, int64(len(s.posts))-since)
		s.mu.Unlock()
		reply(w, f, fmt.Sprintf(`{"data":[{"end":"2026-03-15T00:00:00.000Z","start":"2026-03-14T00:00:00.000Z","tweet_count":%d}],"meta":{"total_tweet_count":%d}}`, n, n))
	case "GET /2/tweets/search/stream":
		s.stream(w, r, f)
	case "GET /2/tweets/search/stream/rules", "POST /2/tweets/search/stream/rules":
		s.changeRules(w, r, f)
	case "GET /1.1/search/tweets.json":
		s.searchV1(w, r, f)
	default:
		http.Error(w, `{"title":"Not Found"}`, http.StatusNotFound)
	}
}

// reply writes an answer, or half of it.
func reply(w http.ResponseWriter, f Fault, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if f == Cut {
		_, _ = w.Write([]byte(body[:len(body)/2])) // the client sees an unexpected end
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write([]byte(body))
}

// between returns the posts with since < id <= upTo, newest first, at most n.
func (s *Server) between(since, upTo int64, n int) (out []post) {
	for i := len(s.posts) - 1; i >= 0 && len(out) < n; i-- {
		if p := s.posts[i]; p.id > since && p.id <= upTo {
			out = append(out, p)
		}
	}
	return out
}

func (p post) json() string {
	doc, _ := json.Marshal(map[string]any{
		"id": strconv.FormatInt(p.id, 10), "text": p.text, "author_id": strconv.FormatInt(p.id%97, 10), "created_at": p.at.UTC().Format("2006-01-02T15:04:05.000Z"),
		"lang": p.lang, "edit_history_tweet_ids": []string{strconv.FormatInt(p.id, 10)}, "public_metrics": map[string]int{"like_count": 1, "retweet_count": 0, "reply_count": 0},
	})
	return string(doc)
}

func (p post) user() string {
	return fmt.Sprintf(`{"id":"%d","name":"User %d","username":"user%d","public_metrics":{"followers_count":%d}}`, p.id%97, p.id%97, p.id%97, 10*(p.id%97))
}

func (s *Server) search(w http.ResponseWriter, r *http.Request, f Fault) {
	q := r.URL.Query()
	since, _ := strconv.ParseInt(q.Get("since_id"), 10, 64)
	n, err := strconv.Atoi(q.Get("max_results"))
	if err != nil || n < 10 || n > 100 {
		http.Error(w, `{"errors":[{"message":"The 'max_results' query parameter value is not between 10 and 100"}],"title":"Invalid Request"}`, http.StatusBadRequest)
		return
	}
	if s.Page > 0 {
		n = min(n, s.Page)
	}
	s.mu.Lock()
	top := int64(len(s.posts))
	if next := q.Get("next_token"); next != "" {
		if top, err = strconv.ParseInt(strings.TrimPrefix(next, "page-"), 10, 64); err != nil {
			s.mu.Unlock()
			http.Error(w, `{"errors":[{"message":"The 'next_token' query parameter is invalid"}],"title":"Invalid Request"}`, http.StatusBadRequest)
			return
		}
		if s.Again && top < int64(len(s.posts)) {
			top, n = top+1, n+1
		}
	}
	found := s.between(since, top, n)
	more := len(found) > 0 && len(s.between(since, found[len(found)-1].id-1, 1)) > 0
	s.reads += len(found)
	s.mu.Unlock()
	var data, users []string
	for _, p := range found {
		data, users = append(data, p.json()), append(users, p.user())
	}
	meta := map[string]any{"result_count": len(found)}
	if len(found) > 0 {
		meta["newest_id"], meta["oldest_id"] = strconv.FormatInt(found[0].id, 10), strconv.FormatInt(found[len(found)-1].id, 10)
	}
	if more {
		meta["next_token"] = fmt.Sprintf("page-%d", found[len(found)-1].id-1)
	}
	m, _ := json.Marshal(meta)
	if len(found) == 0 {
		reply(w, f, fmt.Sprintf(`{"meta":%s}`, m))
		return
	}
	reply(w, f, fmt.Sprintf(`{"data":[%s],"includes":{"users":[%s]},"meta":%s}`, strings.Join(data, ","), strings.Join(users, ","), m))
}

// stream sends each post as a line when it is published, and a blank line often.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, f Fault) {
	ch := make(chan post, 1000)
	s.mu.Lock()
	s.streams[ch] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.streams, ch)
		s.mu.Unlock()
	}()
	c := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	_ = c.Flush()
	for sent := 0; ; {
		select {
		case <-r.Context().Done():
			return
		case p, ok := <-ch:
			if !ok {
				return
			}
			line := fmt.Sprintf(`{"data":%s,"includes":{"users":[%s]},"matching_rules":[{"id":"1","tag":"brandmelder"}]}`+"\r\n", p.json(), p.user())
			if sent++; f == Cut && sent == 3 {
				_, _ = w.Write([]byte(line[:len(line)/2]))
				_ = c.Flush()
				panic(http.ErrAbortHandler)
			}
			s.mu.Lock()
			s.reads++
			s.mu.Unlock()
			if _, err := w.Write([]byte(line)); err != nil {
				return
			}
		case <-time.After(200 * time.Millisecond):
			if _, err := w.Write([]byte("\r\n")); err != nil {
				return
			}
		}
		if c.Flush() != nil {
			return
		}
	}
}

func (s *Server) changeRules(w http.ResponseWriter, r *http.Request, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPost {
		var body struct {
			Add    []rule `json:"add"`
			Delete struct {
				IDs []string `json:"ids"`
			} `json:"delete"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, `{"title":"Invalid Request"}`, http.StatusBadRequest)
			return
		}
		s.rules = slices.DeleteFunc(s.rules, func(o rule) bool { return slices.Contains(body.Delete.IDs, o.ID) })
		for _, n := range body.Add {
			n.ID = cmp.Or(n.ID, strconv.Itoa(len(s.rules)+1))
			s.rules = append(s.rules, n)
		}
		w.WriteHeader(http.StatusCreated)
	}
	doc, _ := json.Marshal(map[string]any{"data": s.rules, "meta": map[string]any{"result_count": len(s.rules)}})
	reply(w, f, string(doc))
}

// searchV1 is the search of v1.1: max_id and since_id, newest first.
func (s *Server) searchV1(w http.ResponseWriter, r *http.Request, f Fault) {
	q := r.URL.Query()
	since, _ := strconv.ParseInt(q.Get("since_id"), 10, 64)
	n, _ := strconv.Atoi(q.Get("count"))
	if s.Page > 0 {
		n = min(n, s.Page)
	}
	s.mu.Lock()
	top := int64(len(s.posts))
	if m, err := strconv.ParseInt(q.Get("max_id"), 10, 64); err == nil && m > 0 {
		top = min(top, m)
	}
	found := s.between(since, top, n)
	s.reads += len(found)
	s.mu.Unlock()
	statuses := []map[string]any{}
	for _, p := range found {
		statuses = append(statuses, map[string]any{
			"id": p.id, "id_str": strconv.FormatInt(p.id, 10), "created_at": p.at.UTC().Format(time.RubyDate), "full_text": p.text, "lang": p.lang,
			"user": map[string]any{"id": p.id % 97, "screen_name": fmt.Sprintf("user%d", p.id%97), "name": "User", "followers_count": 10},
		})
	}
	doc, _ := json.Marshal(map[string]any{"statuses": statuses, "search_metadata": map[string]any{"count": n}})
	reply(w, f, string(doc))
}
