package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/query"
)

// xAPI is where X answers. The forms are those of https://docs.x.com/x-api (v2): recent search, recent counts, filtered stream and its
// rules, with app-only bearer tokens.
const xAPI = "https://api.x.com"

const (
	xMaxQuery = 512 // characters; the limit of the smaller plans
	xPage     = 100 // posts, the largest page
)

// x listens to X by recent search, or by the filtered stream with search filling its gaps.
type x struct {
	deps    Deps
	token   string
	base    string
	queries []string // of search and rules, each within xMaxQuery
	stream  bool
	budget  int // posts a month; 0 means none
	perDay  int // posts a day; 0 means what the month's are divided into
}

func newX(c Config, d Deps) (Source, error) {
	if c.Token == "" {
		return nil, errors.New("token_file is missing: a file with the app's bearer token")
	}
	base := strings.TrimSuffix(c.BaseURL, "/")
	if base == "" {
		base = xAPI
	}
	queries, err := xQueries(d.Topics)
	if err != nil {
		return nil, err
	}
	switch c.API {
	case "v1.1":
		return newXv1(c.Token, base, queries, d), nil
	case "", "v2":
	default:
		return nil, fmt.Errorf("api %q: want v2 or v1.1", c.API)
	}
	switch c.Mode {
	case "", "search", "stream":
	default:
		return nil, fmt.Errorf("mode %q: want search or stream", c.Mode)
	}
	s := &x{deps: d, token: c.Token, base: base, queries: queries, stream: c.Mode == "stream", budget: c.ReadsPerMonth, perDay: c.ReadsPerDay}
	if s.perDay > 0 && s.budget == 0 {
		s.budget = 31 * s.perDay
	}
	switch {
	case s.budget > 0 && s.stream:
		return nil, errors.New("mode stream sends all that fits, and keeps no reads_per_month: use mode search, or set the limit at X")
	case s.budget > 0:
		return newXBudget(s, d.Topics)
	}
	return s, nil
}

// xQueries joins the topics' queries by OR into as few as fit the limit.
func xQueries(topics []brand.Topic) ([]string, error) {
	var out []string
	var errs []error
	for _, t := range topics {
		q, err := query.Parse(t.Query)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, err)
		}
		s, err := q.ForX()
		if err != nil {
			errs = append(errs, fmt.Errorf("topic %s: %w", t.Name, err))
			continue
		}
		if len(s) > xMaxQuery {
			errs = append(errs, fmt.Errorf("topic %s: its query for X has %d characters, X takes %d: shorten it", t.Name, len(s), xMaxQuery))
			continue
		}
		if n := len(out); n > 0 && len(out[n-1])+len(s)+8 <= xMaxQuery {
			out[n-1] += " OR (" + s + ")"
		} else {
			out = append(out, "("+s+")")
		}
	}
	if len(out) == 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}

func (s *x) Listen(ctx context.Context, cursor string, emit Emit) error {
	cur := xCursor{Queries: map[string]*xProgress{}}
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), &cur); err != nil || cur.Queries == nil {
			cur = xCursor{Queries: map[string]*xProgress{}}
		}
	}
	if s.stream {
		return s.listenStream(ctx, &cur, emit)
	}
	return s.search(ctx, &cur, emit)
}

// search reads what is new of each query.
func (s *x) search(ctx context.Context, cur *xCursor, emit Emit) error {
	for _, q := range s.queries {
		p := cur.Queries[q]
		if p == nil {
			p = &xProgress{}
			cur.Queries[q] = p
		}
		if err := s.searchOne(ctx, q, p, cur, emit); err != nil {
			return err
		}
	}
	return nil
}

func (s *x) searchOne(ctx context.Context, q string, p *xProgress, cur *xCursor, emit Emit) error {
	p.check(s.deps.Now())
	again := p.Next != "" // what was published since that pass began lies before its first page
	if !again && p.Since != "" {
		// Counts are not billed as reads: a query with nothing new costs none.
		if n, err := s.count(ctx, q, p.Since); err != nil {
			return err
		} else if n == 0 {
			return nil
		}
	}
	for range maxPages { // the next visit goes on
		v := url.Values{"query": {q}, "max_results": {strconv.Itoa(xPage)}}
		if p.Since != "" {
			v.Set("since_id", p.Since)
		}
		if p.Next != "" {
			v.Set("next_token", p.Next)
		}
		xFields(v)
		var page xPageDoc
		err := s.get(ctx, "/2/tweets/search/recent?"+v.Encode(), &page)
		if errors.Is(err, errXTooOld) && (p.Since != "" || p.Next != "") {
			*p = xProgress{} // longer silent than the seven days X remembers: begin with what is left
			continue
		}
		if err != nil {
			return err
		}
		b := page.batch()
		if id := page.Meta.NewestID; xID(id, s.deps.Now()) && newer(id, p.Newest) {
			p.Newest = page.Meta.NewestID
		}
		asked := p.Next
		if p.Next = page.Meta.NextToken; p.Next == asked || len(p.Next) > maxValidator {
			p.Next = "" // it leads nowhere
		}
		if p.Next == "" {
			if newer(p.Newest, p.Since) {
				p.Since = p.Newest
			}
			p.Newest = ""
		}
		if b.Cursor, err = cur.encode(); err != nil {
			return err
		}
		if err := emit(ctx, b); err != nil {
			return err
		}
		if p.Next == "" && !again {
			return nil
		}
		again = again && p.Next != ""
	}
	return nil
}

func (s *x) count(ctx context.Context, q, since string) (int, error) {
	v := url.Values{"query": {q}, "since_id": {since}, "granularity": {"day"}}
	var doc struct {
		Meta struct {
			Total int `json:"total_tweet_count"`
		} `json:"meta"`
	}
	err := s.get(ctx, "/2/tweets/counts/recent?"+v.Encode(), &doc)
	if errors.Is(err, errXTooOld) {
		return 1, nil
	}
	return doc.Meta.Total, err
}

func xFields(v url.Values) {
	v.Set("tweet.fields", "created_at,lang,author_id,public_metrics,referenced_tweets,in_reply_to_user_id,note_tweet,edit_history_tweet_ids,withheld")
	v.Set("expansions", "author_id")
	v.Set("user.fields", "username,name,public_metrics")
}

// xPageDoc is a page of posts, or one line of the stream with one post under data.
type xPageDoc struct {
	Data     []json.RawMessage `json:"data"`
	Includes struct {
		Users []xUser `json:"users"`
	} `json:"includes"`
	Meta struct {
		NewestID  string `json:"newest_id"`
		NextToken string `json:"next_token"`
	} `json:"meta"`
}

type xUser struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Username string `json:"username"`
	Metrics  struct {
		Followers int64 `json:"followers_count"`
	} `json:"public_metrics"`
}

type xPost struct {
	ID        string    `json:"id"`
	Text      string    `json:"text"`
	AuthorID  string    `json:"author_id"`
	CreatedAt time.Time `json:"created_at"`
	Lang      string    `json:"lang"`
	Note      struct {
		Text string `json:"text"`
	} `json:"note_tweet"`
	Metrics struct {
		Likes   int64 `json:"like_count"`
		Reposts int64 `json:"retweet_count"`
		Replies int64 `json:"reply_count"`
	} `json:"public_metrics"`
	Edits    []string `json:"edit_history_tweet_ids"` // the first version first
	Withheld struct {
		Copyright bool `json:"copyright"`
	} `json:"withheld"`
	Referenced []struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"referenced_tweets"`
}

func (d *xPageDoc) batch() (b Batch) {
	users := map[string]xUser{}
	for _, u := range d.Includes.Users {
		users[u.ID] = u
	}
	for _, raw := range d.Data {
		var p xPost
		err := json.Unmarshal(raw, &p)
		if err == nil && (p.ID == "" || p.CreatedAt.IsZero()) {
			err = errors.New("a post without id or created_at")
		}
		if err != nil {
			b.Bad = append(b.Bad, unread(raw, fmt.Errorf("read a post of X: %w", err)))
			continue
		}
		if p.Withheld.Copyright {
			continue // it may not be shown
		}
		b.Mentions = append(b.Mentions, p.mention(users[p.AuthorID]))
	}
	return b
}

func (p *xPost) mention(u xUser) brand.Mention {
	m := brand.Mention{
		ID: "x:" + p.ID, Source: "x", At: p.CreatedAt, Author: u.Username, AuthorName: u.Name, Followers: u.Metrics.Followers,
		Text: html.UnescapeString(p.Text), Kind: brand.Post, Likes: p.Metrics.Likes, Reposts: p.Metrics.Reposts, Replies: p.Metrics.Replies,
	}
	if len(p.Edits) > 0 && p.Edits[0] != "" {
		m.ID = "x:" + p.Edits[0] // an edited post has another number, and is one
	}
	if p.Note.Text != "" {
		m.Text = html.UnescapeString(p.Note.Text)
	}
	if m.Author == "" {
		m.Author = p.AuthorID
	}
	m.URL = "https://x.com/" + url.PathEscape(m.Author) + "/status/" + p.ID
	if p.Lang != "und" && !strings.HasPrefix(p.Lang, "q") { // X's marks for unknown, links only, and so on
		m.Lang = p.Lang
	}
	for _, r := range p.Referenced {
		switch r.Type {
		case "retweeted":
			m.Kind, m.InReplyTo = brand.Repost, "x:"+r.ID
			m.Reposts = 0 // those of the original
		case "replied_to":
			m.Kind, m.InReplyTo = brand.Reply, "x:"+r.ID
		}
	}
	return m
}

var errXTooOld = errors.New("X does not remember this far back")

func (s *x) request(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.deps.Client.Do(req)
	if err != nil {
		return nil, redact(err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4000))
	return nil, xError(res, text, s.deps.Now())
}

// xError turns an answer that is none into an error. The forms are those of https://docs.x.com/x-api/fundamentals/response-codes-and-errors.
func xError(res *http.Response, text []byte, now time.Time) error {
	err := refusal("X", "is the token right, and does its plan include this?", res, text, now)
	var problem struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	var no *RefusedError
	if !errors.As(err, &no) || json.Unmarshal(text, &problem) != nil {
		return err
	}
	for _, e := range problem.Errors {
		no.Detail = strings.TrimSpace(no.Detail + " " + e.Message)
	}
	no.Detail = upTo(no.Detail, maxSaid)
	if no.Status == http.StatusBadRequest && (strings.Contains(no.Detail, "since_id") || strings.Contains(no.Detail, "next_token") || strings.Contains(no.Detail, "start_time")) {
		return fmt.Errorf("%w: %s", errXTooOld, no.Detail)
	}
	return err
}

func (s *x) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	res, err := s.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := decodeAll(res.Body, into); err != nil {
		return fmt.Errorf("read X's answer: %w", err)
	}
	return nil
}
