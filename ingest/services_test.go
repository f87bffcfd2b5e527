package ingest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// obj and arr write JSON as services do.
type (
	obj map[string]any
	arr []any
)

func sayJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	doc, _ := json.Marshal(v)
	_, _ = w.Write(doc)
}

func each(ps []post, f func(p post) any) arr {
	out := arr{}
	for _, p := range ps {
		out = append(out, f(p))
	}
	return out
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func unixReset(h http.Header, until time.Time) {
	h.Set("x-ratelimit-reset", strconv.FormatInt(until.Unix(), 10))
}
func retryHead(h http.Header, until time.Time) {
	h.Set("Retry-After", strconv.Itoa(int(time.Until(until).Seconds())))
}

// only leaves out faults that a service, or the way it is played, cannot have.
func except(fs ...fault) func(fault) bool {
	return func(f fault) bool {
		for _, g := range fs {
			if f == g {
				return false
			}
		}
		return true
	}
}

func services(t *testing.T) map[string]played {
	t.Helper()
	return map[string]played{
		"x": {
			conf: Config{Kind: "x", Token: "geheim", BaseURL: "http://service.test"}, refused: http.StatusUnauthorized, say: xSays,
			limit: func(h http.Header, until time.Time) { h.Set("x-rate-limit-reset", strconv.FormatInt(until.Unix(), 10)) },
		},
		"mastodon": {
			conf: Config{Kind: "mastodon", Tags: []string{"acme"}, Mode: "poll"}, refused: http.StatusUnauthorized, say: mastodonSays,
			limit: func(h http.Header, until time.Time) {
				h.Set("X-RateLimit-Reset", until.UTC().Format("2006-01-02T15:04:05.000000Z"))
			},
		},
		"mastodon stream": {
			conf: Config{Kind: "mastodon", Tags: []string{"acme"}, Token: "geheim"}, refused: http.StatusUnauthorized, say: mastodonSays, pushes: true,
			limit: func(h http.Header, until time.Time) {
				h.Set("X-RateLimit-Reset", until.UTC().Format("2006-01-02T15:04:05.000000Z"))
			},
		},
		"bluesky stream": {conf: Config{Kind: "bluesky"}, refused: http.StatusForbidden, say: jetstreamSays, pushes: true, limit: retryHead, only: func(f fault) bool { return f <= refused }},
		"bluesky search": {
			conf: Config{Kind: "bluesky", Mode: "search", Account: "acme.example", Token: "geheim"}, refused: http.StatusUnauthorized, say: blueskySays,
			limit: func(h http.Header, until time.Time) { h.Set("ratelimit-reset", strconv.FormatInt(until.Unix(), 10)) },
		},
		"reddit": {
			conf: Config{Kind: "reddit", Subreddits: []string{"acme"}, Account: "app", Token: "geheim"}, refused: http.StatusForbidden, say: redditSays,
			limit: func(h http.Header, until time.Time) {
				h.Set("x-ratelimit-reset", strconv.Itoa(int(time.Until(until).Seconds())))
			},
		},
		"reddit feeds": {conf: Config{Kind: "reddit", Search: []string{"acme"}}, refused: http.StatusForbidden, say: redditSays, limit: retryHead, only: except(foreign)},
		"hackernews":   {conf: Config{Kind: "hackernews"}, refused: http.StatusForbidden, say: hnSays, limit: retryHead},
		"lemmy":        {conf: Config{Kind: "lemmy", Communities: []string{"acme"}}, refused: http.StatusForbidden, say: lemmySays, limit: retryHead, lists: 2},
		"lemmy search": {conf: Config{Kind: "lemmy"}, refused: http.StatusForbidden, say: lemmySays, limit: retryHead},
		"gdelt":        {conf: Config{Kind: "gdelt"}, refused: http.StatusForbidden, say: gdeltSays, limit: retryHead},
		"youtube":      {conf: Config{Kind: "youtube", Channels: []string{"UCacme"}, Token: "geheim"}, refused: http.StatusForbidden, say: youtubeSays, limit: retryHead, lists: 2},
		"telegram":     {conf: Config{Kind: "telegram", Token: "12:geheim"}, refused: http.StatusUnauthorized, say: telegramSays, limit: func(http.Header, time.Time) {}, body: `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 300","parameters":{"retry_after":300}}`},
		"appstore":     {conf: Config{Kind: "appstore", Apps: []string{"42"}, Countries: []string{"de"}}, refused: http.StatusForbidden, say: appstoreSays, limit: retryHead},
		"playstore":    {conf: Config{Kind: "playstore", Apps: []string{"com.acme"}, Token: serviceAccount(t)}, refused: http.StatusUnauthorized, say: playstoreSays, limit: retryHead},
		"bulletin":     {conf: Config{Kind: "bulletin"}, refused: http.StatusForbidden, say: bulletinSays, limit: retryHead}, // docs/contributing-a-source.md
		"feed":         {conf: Config{Kind: "feed", URL: "http://service.test/feed"}, refused: http.StatusForbidden, say: feedSays, limit: retryHead, only: except(foreign)},
	}
}

// xSays is recent search with its counts. Posts that came while pages are read lie before the first one.
func xSays(w *world) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2/tweets/counts/recent", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		n := len(w.posts) - number(r.FormValue("since_id"))
		w.mu.Unlock()
		sayJSON(rw, obj{"data": arr{}, "meta": obj{"total_tweet_count": n}})
	})
	mux.HandleFunc("GET /2/tweets/search/recent", func(rw http.ResponseWriter, r *http.Request) {
		since := number(r.FormValue("since_id"))
		ps, more := w.newest(number(r.FormValue("next_token")), number(r.FormValue("max_results")))
		meta := obj{"result_count": len(ps)}
		if len(ps) > 0 {
			meta["newest_id"] = strconv.Itoa(ps[0].n)
			if more && ps[len(ps)-1].n > since+1 {
				meta["next_token"] = strconv.Itoa(ps[len(ps)-1].n)
			}
		}
		doc := obj{"meta": meta}
		var data arr
		users := map[string]bool{}
		var who arr
		for _, p := range w.shuffled(ps) {
			if p.n <= since {
				continue
			}
			data = append(data, obj{"id": strconv.Itoa(p.n), "text": html.EscapeString(p.text), "author_id": p.author(), "created_at": p.at.UTC().Format("2006-01-02T15:04:05.000Z"), "lang": "de", "edit_history_tweet_ids": arr{strconv.Itoa(p.n)}})
			if !users[p.author()] {
				users[p.author()] = true
				who = append(who, obj{"id": p.author(), "username": p.author(), "name": "User"})
			}
		}
		if data != nil {
			doc["data"], doc["includes"] = data, obj{"users": who}
		}
		sayJSON(rw, doc)
	})
	return mux
}

func toots(w *world, ps []post) arr {
	return each(ps, func(p post) any {
		return obj{
			"id": strconv.Itoa(p.n), "uri": fmt.Sprintf("https://service.test/users/%s/statuses/%d", p.author(), p.n), "url": fmt.Sprintf("https://service.test/@%s/%d", p.author(), p.n),
			"created_at": p.at.UTC().Format("2006-01-02T15:04:05.000Z"), "content": "<p>" + html.EscapeString(p.text) + `</p>`, "visibility": "public", "language": "de",
			"account": obj{"acct": p.author(), "display_name": "User", "followers_count": 12}, "reblog": nil, "in_reply_to_id": nil, "favourites_count": 1, "spoiler_text": "",
		}
	})
}

func mastodonSays(w *world) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/instance", func(rw http.ResponseWriter, _ *http.Request) {
		sayJSON(rw, obj{"configuration": obj{"urls": obj{"streaming": "ws://service.test"}}})
	})
	mux.HandleFunc("GET /api/v1/timelines/tag/acme", func(rw http.ResponseWriter, r *http.Request) {
		ps, more := w.newest(number(r.FormValue("max_id")), number(r.FormValue("limit")))
		if more {
			rw.Header().Set("Link", fmt.Sprintf(`<http://service.test/api/v1/timelines/tag/acme?limit=40&max_id=%d>; rel="next", <http://service.test/x?min_id=1>; rel="prev"`, ps[len(ps)-1].n))
		}
		sayJSON(rw, toots(w, w.shuffled(ps)))
	})
	mux.HandleFunc("GET /api/v1/streaming", func(rw http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(rw, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		_, line, err := c.Read(r.Context())
		if err != nil || string(line) != `{"stream":"hashtag","tag":"acme","type":"subscribe"}` {
			return
		}
		ch, done := w.listen()
		defer done()
		ctx := c.CloseRead(r.Context())
		for {
			select {
			case <-ctx.Done():
				return
			case p, ok := <-ch:
				if !ok {
					return
				}
				payload, _ := json.Marshal(toots(w, []post{p})[0])
				doc, _ := json.Marshal(obj{"stream": arr{"hashtag", "acme"}, "event": "update", "payload": string(payload)})
				if c.Write(ctx, websocket.MessageText, doc) != nil {
					return
				}
			}
		}
	})
	return mux
}

func skyRecordOf(p post) obj {
	return obj{"$type": skyPost, "text": p.text, "createdAt": p.at.UTC().Format(time.RFC3339), "langs": arr{"de"}}
}

// jetstreamSays keeps a day, and gives it from the cursor on before what is new.
func jetstreamSays(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/subscribe" || r.FormValue("wantedCollections") != skyPost {
			http.NotFound(rw, r)
			return
		}
		c, err := websocket.Accept(rw, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		ch, done := w.listen()
		defer done()
		w.mu.Lock()
		var ps []post
		from, _ := strconv.ParseInt(r.FormValue("cursor"), 10, 64)
		for _, p := range w.posts {
			if from == 0 || p.at.UnixMicro() >= from { // the first visit gets what is there, so that all tests are alike
				ps = append(ps, p)
			}
		}
		w.mu.Unlock()
		ctx := c.CloseRead(r.Context())
		tell := func(p post) error {
			for _, doc := range []obj{
				{"did": "did:plc:other", "time_us": p.at.UnixMicro(), "kind": "identity", "identity": obj{"did": "did:plc:other"}},
				{"did": "did:plc:other", "time_us": p.at.UnixMicro(), "kind": "commit", "commit": obj{"operation": "create", "collection": skyPost, "rkey": fmt.Sprint("o", p.n), "record": obj{"text": "of something else", "createdAt": "not a time"}}},
				{"did": "did:plc:" + p.author(), "time_us": p.at.UnixMicro(), "kind": "commit", "commit": obj{"rev": "3k", "operation": "create", "collection": skyPost, "rkey": strconv.Itoa(p.n), "record": skyRecordOf(p)}},
			} {
				line, _ := json.Marshal(doc)
				if err := c.Write(ctx, websocket.MessageText, line); err != nil {
					return err
				}
			}
			return nil
		}
		for _, p := range ps {
			if tell(p) != nil {
				return
			}
		}
		for {
			select {
			case <-ctx.Done():
				return
			case p, ok := <-ch:
				if !ok || tell(p) != nil {
					return
				}
			}
		}
	})
}

// tokens are given out, and run out.
type tokens struct {
	mu   sync.Mutex
	n    int
	used int
}

func (k *tokens) give() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
	k.used = 0
	return fmt.Sprint("token", k.n)
}

func (k *tokens) holds(r *http.Request, expire int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.used++
	return r.Header.Get("Authorization") == fmt.Sprint("Bearer token", k.n) && (expire == 0 || k.used <= expire)
}

func blueskySays(w *world) http.Handler {
	mux, keys := http.NewServeMux(), &tokens{}
	mux.HandleFunc("POST /xrpc/com.atproto.server.createSession", func(rw http.ResponseWriter, r *http.Request) {
		var in map[string]string
		if json.NewDecoder(r.Body).Decode(&in) != nil || in["identifier"] != "acme.example" || in["password"] != "geheim" {
			http.Error(rw, `{"error":"AuthenticationRequired","message":"Invalid identifier or password"}`, http.StatusUnauthorized)
			return
		}
		sayJSON(rw, obj{"did": "did:plc:acme", "accessJwt": keys.give(), "refreshJwt": "r"})
	})
	mux.HandleFunc("GET /xrpc/app.bsky.feed.searchPosts", func(rw http.ResponseWriter, r *http.Request) {
		if !keys.holds(r, w.expire) {
			http.Error(rw, `{"error":"ExpiredToken","message":"Token has expired"}`, http.StatusBadRequest)
			return
		}
		ps, more := w.newest(number(r.FormValue("cursor")), number(r.FormValue("limit")))
		doc := obj{"posts": each(w.shuffled(ps), func(p post) any {
			return obj{
				"uri": "at://did:plc:" + p.author() + "/" + skyPost + "/" + strconv.Itoa(p.n), "cid": "b", "author": obj{"did": "did:plc:" + p.author(), "handle": p.author() + ".bsky.social", "displayName": "User"},
				"record": skyRecordOf(p), "indexedAt": p.at.UTC().Format(time.RFC3339), "likeCount": 1,
			}
		})}
		if more {
			doc["cursor"] = strconv.Itoa(ps[len(ps)-1].n)
		}
		sayJSON(rw, doc)
	})
	return mux
}

func redditSays(w *world) http.Handler {
	mux, keys := http.NewServeMux(), &tokens{}
	mux.HandleFunc("POST /api/v1/access_token", func(rw http.ResponseWriter, r *http.Request) {
		if id, secret, ok := r.BasicAuth(); !ok || id != "app" || secret != "geheim" || r.FormValue("grant_type") != "client_credentials" {
			http.Error(rw, `{"message": "Unauthorized", "error": 401}`, http.StatusUnauthorized)
			return
		}
		sayJSON(rw, obj{"access_token": keys.give(), "token_type": "bearer", "expires_in": 86400, "scope": "*"})
	})
	listing := func(comments bool) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			if !keys.holds(r, w.expire) {
				http.Error(rw, `{"message": "Unauthorized", "error": 401}`, http.StatusUnauthorized)
				return
			}
			rw.Header().Set("x-ratelimit-remaining", "598.0")
			rw.Header().Set("x-ratelimit-reset", "321")
			ps, more := w.newest(number(strings.TrimPrefix(r.FormValue("after"), "t3_")), number(r.FormValue("limit")))
			data := obj{"after": nil, "children": arr{}}
			if more {
				data["after"] = "t3_" + strconv.Itoa(ps[len(ps)-1].n)
			}
			var children arr
			for _, p := range w.shuffled(ps) {
				if (p.n%3 == 0) != comments {
					continue
				}
				thing := obj{"name": fmt.Sprintf("t3_%d", p.n), "title": p.text, "selftext": "", "author": p.author(), "created_utc": float64(p.at.Unix()), "permalink": fmt.Sprintf("/r/acme/comments/%d/x/", p.n), "ups": 3}
				kind := "t3"
				if comments {
					kind = "t1"
					thing["name"], thing["body"], thing["parent_id"] = fmt.Sprintf("t1_%d", p.n), p.text, "t3_1"
					delete(thing, "title")
				}
				children = append(children, obj{"kind": kind, "data": thing})
			}
			if data["children"] = children; children == nil {
				data["children"] = arr{obj{"kind": "more", "data": obj{}}}
			}
			sayJSON(rw, obj{"kind": "Listing", "data": data})
		}
	}
	mux.HandleFunc("GET /r/acme/new", listing(false))
	mux.HandleFunc("GET /r/acme/comments", listing(true))
	mux.HandleFunc("GET /search.rss", func(rw http.ResponseWriter, r *http.Request) {
		ps, _ := w.newest(number(strings.TrimPrefix(r.FormValue("after"), "t3_")), number(r.FormValue("limit")))
		rw.Header().Set("Content-Type", "application/atom+xml; charset=UTF-8")
		fmt.Fprint(rw, `<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>search</title>`)
		for _, p := range ps {
			fmt.Fprintf(rw, `<entry><author><name>/u/%s</name></author><content type="html">%s</content><id>t3_%d</id><link href="https://www.reddit.com/r/acme/comments/%d/"/><updated>%s</updated><published>%s</published><title>%s</title></entry>`,
				p.author(), html.EscapeString("<p>"+html.EscapeString(p.text)+"</p>"), p.n, p.n, p.at.Format(time.RFC3339), p.at.Format(time.RFC3339), html.EscapeString(p.text))
		}
		fmt.Fprint(rw, `</feed>`)
	})
	return mux
}

func hnSays(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		since := number(strings.TrimPrefix(r.FormValue("numericFilters"), "created_at_i>="))
		if r.URL.Path != "/api/v1/search_by_date" || r.FormValue("query") != "acme" || since == 0 {
			http.Error(rw, `{"message":"bad request","status":400}`, http.StatusBadRequest)
			return
		}
		w.mu.Lock()
		var ps []post
		for i := len(w.posts) - 1; i >= 0; i-- {
			if p := w.posts[i]; p.at.Unix() >= int64(since) {
				ps = append(ps, p)
			}
		}
		w.mu.Unlock()
		page := number(r.FormValue("page"))
		pages := (len(ps) + w.size - 1) / w.size
		from, to := min(page*w.size, len(ps)), min((page+1)*w.size, len(ps))
		sayJSON(rw, obj{"page": page, "nbPages": pages, "hits": each(w.shuffled(ps[from:to]), func(p post) any {
			h := obj{"objectID": strconv.Itoa(p.n), "created_at_i": p.at.Unix(), "author": p.author(), "_tags": arr{"comment"}}
			if p.n%2 == 0 {
				h["comment_text"], h["parent_id"] = html.EscapeString(p.text), 1
			} else {
				h["title"], h["points"], h["url"] = p.text, 3, "https://acme.example"
			}
			return h
		})})
	})
}

func lemmySays(w *world) http.Handler {
	view := func(p post, comment bool) any {
		v := obj{
			"post":    obj{"id": p.n, "name": p.text, "published": p.at.UTC().Format("2006-01-02T15:04:05.000000Z"), "ap_id": fmt.Sprintf("https://service.test/post/%d", p.n), "deleted": false, "removed": false},
			"creator": obj{"name": p.author(), "actor_id": "https://service.test/u/" + p.author()}, "counts": obj{"upvotes": 2, "comments": 1}, "community": obj{"name": "acme"},
		}
		if comment {
			v["post"].(obj)["name"] = "what it is about"
			v["comment"] = obj{"id": p.n, "content": p.text, "path": fmt.Sprintf("0.%d", p.n), "published": p.at.UTC().Format("2006-01-02T15:04:05.000000"), "ap_id": fmt.Sprintf("https://service.test/comment/%d", p.n)}
		}
		return v
	}
	mux := http.NewServeMux()
	pick := func(ps []post, comments bool) (out []post) {
		for _, p := range w.shuffled(ps) {
			if (p.n%4 == 0) == comments {
				out = append(out, p)
			}
		}
		return out
	}
	// Posts by cursor, comments and search by number.
	mux.HandleFunc("GET /api/v3/post/list", func(rw http.ResponseWriter, r *http.Request) {
		ps, more := w.newest(number(strings.TrimPrefix(r.FormValue("page_cursor"), "P")), number(r.FormValue("limit")))
		doc := obj{"posts": each(pick(ps, false), func(p post) any { return view(p, false) })}
		if more {
			doc["next_page"] = "P" + strconv.Itoa(ps[len(ps)-1].n)
		}
		sayJSON(rw, doc)
	})
	numbered := func(r *http.Request) []post {
		n := max(1, number(r.FormValue("page")))
		w.mu.Lock()
		before := len(w.posts) + 1 - (n-1)*w.size
		w.mu.Unlock()
		if before < 1 {
			return nil
		}
		ps, _ := w.newest(before, number(r.FormValue("limit")))
		return ps
	}
	mux.HandleFunc("GET /api/v3/comment/list", func(rw http.ResponseWriter, r *http.Request) {
		sayJSON(rw, obj{"comments": each(pick(numbered(r), true), func(p post) any { return view(p, true) })})
	})
	mux.HandleFunc("GET /api/v3/search", func(rw http.ResponseWriter, r *http.Request) {
		ps := numbered(r)
		sayJSON(rw, obj{"type_": "All", "posts": each(pick(ps, false), func(p post) any { return view(p, false) }), "comments": each(pick(ps, true), func(p post) any { return view(p, true) })})
	})
	return mux
}

func gdeltSays(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		from, err := time.Parse(gdeltForm, r.FormValue("startdatetime"))
		to, err2 := time.Parse(gdeltForm, r.FormValue("enddatetime"))
		if err != nil || err2 != nil || r.FormValue("query") == "" {
			fmt.Fprint(rw, "Your query was too short or too long.\n")
			return
		}
		w.mu.Lock()
		var ps []post
		for i := len(w.posts) - 1; i >= 0 && len(ps) < number(r.FormValue("maxrecords")); i-- {
			if p := w.posts[i]; !p.at.Before(from) && !p.at.After(to) {
				ps = append(ps, p)
			}
		}
		w.mu.Unlock()
		if len(ps) == 0 {
			fmt.Fprint(rw, "{}")
			return
		}
		sayJSON(rw, obj{"articles": each(ps, func(p post) any {
			return obj{"url": fmt.Sprintf("https://news.example/%d", p.n), "title": p.text, "seendate": p.at.UTC().Format("20060102T150405Z"), "domain": "news.example", "language": "German", "sourcecountry": "Germany"}
		})})
	})
}

func youtubeSays(w *world) http.Handler {
	mux := http.NewServeMux()
	keyed := func(h http.HandlerFunc) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			if r.FormValue("key") != "geheim" {
				http.Error(rw, `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","errors":[{"reason":"badRequest"}]}}`, http.StatusBadRequest)
				return
			}
			h(rw, r)
		}
	}
	mux.HandleFunc("GET /youtube/v3/commentThreads", keyed(func(rw http.ResponseWriter, r *http.Request) {
		ps, more := w.newest(number(r.FormValue("pageToken")), number(r.FormValue("maxResults")))
		var items arr
		for _, p := range w.shuffled(ps) {
			if p.n%5 == 0 {
				continue // a video
			}
			items = append(items, obj{"id": fmt.Sprint("c", p.n), "snippet": obj{"videoId": "v5", "totalReplyCount": 0, "topLevelComment": obj{"id": fmt.Sprint("c", p.n), "snippet": obj{
				"videoId": "v5", "textOriginal": p.text, "textDisplay": html.EscapeString(p.text), "authorDisplayName": "@" + p.author(), "authorChannelId": obj{"value": "UC" + p.author()}, "likeCount": 1, "publishedAt": p.at.UTC().Format(time.RFC3339),
			}}}})
		}
		doc := obj{"items": items}
		if more {
			doc["nextPageToken"] = strconv.Itoa(ps[len(ps)-1].n)
		}
		sayJSON(rw, doc)
	}))
	mux.HandleFunc("GET /youtube/v3/playlistItems", keyed(func(rw http.ResponseWriter, r *http.Request) {
		ps, more := w.newest(number(r.FormValue("pageToken")), number(r.FormValue("maxResults")))
		var items arr
		for _, p := range ps {
			if p.n%5 == 0 {
				items = append(items, obj{"id": fmt.Sprint("i", p.n), "snippet": obj{"publishedAt": p.at.UTC().Format(time.RFC3339), "title": html.EscapeString(p.text), "description": "", "channelId": "UCacme", "channelTitle": "Acme", "resourceId": obj{"videoId": fmt.Sprint("v", p.n)}}})
			}
		}
		doc := obj{"items": items}
		if more {
			doc["nextPageToken"] = strconv.Itoa(ps[len(ps)-1].n)
		}
		sayJSON(rw, doc)
	}))
	return mux
}

// telegramSays keeps updates until a higher offset is asked for.
func telegramSays(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bot12:geheim/getUpdates" {
			http.Error(rw, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, http.StatusUnauthorized)
			return
		}
		offset := number(r.FormValue("offset"))
		fresh := func() (out []post) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, p := range w.posts {
				if p.n+1000 >= offset && len(out) < w.size {
					out = append(out, p)
				}
			}
			return out
		}
		ps := fresh()
		for range number(r.FormValue("timeout")) {
			if len(ps) > 0 {
				break
			}
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Second):
			}
			ps = fresh()
		}
		sayJSON(rw, obj{"ok": true, "result": each(ps, func(p post) any {
			return obj{"update_id": p.n + 1000, "channel_post": obj{"message_id": p.n, "date": p.at.Unix(), "chat": obj{"id": -100123, "title": "Acme", "username": "acme", "type": "channel"}, "text": p.text}}
		})})
	})
}

func appstoreSays(w *world) http.Handler {
	l := func(s string) obj { return obj{"label": s} }
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var page int
		if _, err := fmt.Sscanf(r.URL.Path, "/de/rss/customerreviews/page=%d/id=42/sortby=mostrecent/json", &page); err != nil || page < 1 || page > 10 {
			http.NotFound(rw, r)
			return
		}
		w.mu.Lock()
		before := len(w.posts) + 1 - (page-1)*w.size
		w.mu.Unlock()
		entries := arr{}
		if page == 1 {
			entries = append(entries, obj{"im:name": l("Acme"), "id": l("https://itunes.apple.com/de/app/42")})
		}
		if before > 0 {
			ps, _ := w.newest(before, 50)
			entries = append(entries, each(ps, func(p post) any {
				return obj{
					"id": l(strconv.Itoa(p.n)), "title": l("Absturz"), "content": obj{"label": p.text, "attributes": obj{"type": "text"}}, "im:rating": l("1"), "im:version": l("1.2"), "im:voteSum": l("0"),
					"updated": l(p.at.In(time.FixedZone("", -7*3600)).Format(time.RFC3339)), "author": obj{"name": l(p.author()), "uri": l("https://itunes.apple.com/de/reviews/id" + p.author())},
				}
			})...)
		}
		feed := obj{"author": l("iTunes Store")}
		if len(entries) == 1 {
			feed["entry"] = entries[0]
		} else if len(entries) > 1 {
			feed["entry"] = entries
		}
		sayJSON(rw, obj{"feed": feed})
	})
}

func feedSays(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w.mu.Lock()
		ps := append([]post{}, w.posts...)
		w.mu.Unlock()
		rw.Header().Set("Content-Type", "application/rss+xml")
		fmt.Fprint(rw, `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>News</title>`)
		for _, p := range w.shuffled(ps) {
			fmt.Fprintf(rw, `<item><guid>%d</guid><title>%s</title><link>https://news.example/%d</link><author>%s</author><pubDate>%s</pubDate></item>`, p.n, html.EscapeString(p.text), p.n, p.author(), p.at.Format(time.RFC1123Z))
		}
		fmt.Fprint(rw, `</channel></rss>`)
	})
}
