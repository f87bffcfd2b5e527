package ingest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// serveX is recent search with its counts. Posts that arrive while pages are read are before the first one.
func serveX(w *world) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2/tweets/counts/recent", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		n := len(w.posts) - number(r.FormValue("since_id"))
		w.mu.Unlock()
		writeJSON(rw, obj{"data": arr{}, "meta": obj{"total_tweet_count": n}})
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
		writeJSON(rw, doc)
	})
	return mux
}

func toots(ps []post) arr {
	return each(ps, func(p post) any {
		return obj{
			"id": strconv.Itoa(p.n), "uri": fmt.Sprintf("https://service.test/users/%s/statuses/%d", p.author(), p.n), "url": fmt.Sprintf("https://service.test/@%s/%d", p.author(), p.n),
			"created_at": p.at.UTC().Format("2006-01-02T15:04:05.000Z"), "content": "<p>" + html.EscapeString(p.text) + `</p>`, "visibility": "public", "language": "de",
			"account": obj{"acct": p.author(), "display_name": "User", "followers_count": 12}, "reblog": nil, "in_reply_to_id": nil, "favourites_count": 1, "spoiler_text": "",
		}
	})
}

func serveMastodon(w *world) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/instance", func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, obj{"configuration": obj{"urls": obj{"streaming": "ws://service.test"}}})
	})
	mux.HandleFunc("GET /api/v1/timelines/tag/acme", func(rw http.ResponseWriter, r *http.Request) {
		ps, more := w.newest(number(r.FormValue("max_id")), number(r.FormValue("limit")))
		if more {
			rw.Header().Set("Link", fmt.Sprintf(`<http://service.test/api/v1/timelines/tag/acme?limit=40&max_id=%d>; rel="next", <http://service.test/x?min_id=1>; rel="prev"`, ps[len(ps)-1].n))
		}
		writeJSON(rw, toots(w.shuffled(ps)))
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
				payload, _ := json.Marshal(toots([]post{p})[0])
				doc, _ := json.Marshal(obj{"stream": arr{"hashtag", "acme"}, "event": "update", "payload": string(payload)})
				if c.Write(ctx, websocket.MessageText, doc) != nil {
					return
				}
			}
		}
	})
	return mux
}

func blueskyRecordOf(p post) obj {
	return obj{"$type": blueskyPost, "text": p.text, "createdAt": p.at.UTC().Format(time.RFC3339), "langs": arr{"de"}}
}

// serveJetstream keeps a day, and sends it from the cursor on before new posts.
func serveJetstream(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/subscribe" || r.FormValue("wantedCollections") != blueskyPost {
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
			if from == 0 || p.at.UnixMicro() >= from { // the first visit gets all posts, as from other services
				ps = append(ps, p)
			}
		}
		w.mu.Unlock()
		ctx := c.CloseRead(r.Context())
		tell := func(p post) error {
			for _, doc := range []obj{
				{"did": "did:plc:other", "time_us": p.at.UnixMicro(), "kind": "identity", "identity": obj{"did": "did:plc:other"}},
				{"did": "did:plc:other", "time_us": p.at.UnixMicro(), "kind": "commit", "commit": obj{"operation": "create", "collection": blueskyPost, "rkey": fmt.Sprint("o", p.n), "record": obj{"text": "of something else", "createdAt": "not a time"}}},
				{"did": "did:plc:" + p.author(), "time_us": p.at.UnixMicro(), "kind": "commit", "commit": obj{"rev": "3k", "operation": "create", "collection": blueskyPost, "rkey": strconv.Itoa(p.n), "record": blueskyRecordOf(p)}},
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

// tokens are issued, and expire.
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
	if expire > 0 {
		return r.Header.Get("Authorization") == fmt.Sprint("Bearer token", k.n) && k.used <= expire
	}
	given, err := strconv.Atoi(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token"))
	return err == nil && given >= 1 && given <= k.n // several clients have one each
}

func serveBluesky(w *world) http.Handler {
	mux, keys := http.NewServeMux(), &tokens{}
	mux.HandleFunc("POST /xrpc/com.atproto.server.createSession", func(rw http.ResponseWriter, r *http.Request) {
		var in map[string]string
		if json.NewDecoder(r.Body).Decode(&in) != nil || in["identifier"] != "acme.example" || in["password"] != "geheim" {
			http.Error(rw, `{"error":"AuthenticationRequired","message":"Invalid identifier or password"}`, http.StatusUnauthorized)
			return
		}
		writeJSON(rw, obj{"did": "did:plc:acme", "accessJwt": keys.give(), "refreshJwt": "r"})
	})
	mux.HandleFunc("GET /xrpc/app.bsky.feed.searchPosts", func(rw http.ResponseWriter, r *http.Request) {
		if !keys.holds(r, w.expire) {
			http.Error(rw, `{"error":"ExpiredToken","message":"Token has expired"}`, http.StatusBadRequest)
			return
		}
		ps, more := w.newest(number(r.FormValue("cursor")), number(r.FormValue("limit")))
		doc := obj{"posts": each(w.shuffled(ps), func(p post) any {
			return obj{
				"uri": "at://did:plc:" + p.author() + "/" + blueskyPost + "/" + strconv.Itoa(p.n), "cid": "b", "author": obj{"did": "did:plc:" + p.author(), "handle": p.author() + ".bsky.social", "displayName": "User"},
				"record": blueskyRecordOf(p), "indexedAt": p.at.UTC().Format(time.RFC3339), "likeCount": 1,
			}
		})}
		if more {
			doc["cursor"] = strconv.Itoa(ps[len(ps)-1].n)
		}
		writeJSON(rw, doc)
	})
	return mux
}

func serveReddit(w *world) http.Handler {
	mux, keys := http.NewServeMux(), &tokens{}
	mux.HandleFunc("POST /api/v1/access_token", func(rw http.ResponseWriter, r *http.Request) {
		if id, secret, ok := r.BasicAuth(); !ok || id != "app" || secret != "geheim" || r.FormValue("grant_type") != "client_credentials" {
			http.Error(rw, `{"message": "Unauthorized", "error": 401}`, http.StatusUnauthorized)
			return
		}
		writeJSON(rw, obj{"access_token": keys.give(), "token_type": "bearer", "expires_in": 86400, "scope": "*"})
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
			writeJSON(rw, obj{"kind": "Listing", "data": data})
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

func serveHn(w *world) http.Handler {
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
		writeJSON(rw, obj{"page": page, "nbPages": pages, "hits": each(w.shuffled(ps[from:to]), func(p post) any {
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

func serveLemmy(w *world) http.Handler {
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
		writeJSON(rw, doc)
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
		writeJSON(rw, obj{"comments": each(pick(numbered(r), true), func(p post) any { return view(p, true) })})
	})
	mux.HandleFunc("GET /api/v3/search", func(rw http.ResponseWriter, r *http.Request) {
		ps := numbered(r)
		writeJSON(rw, obj{"type_": "All", "posts": each(pick(ps, false), func(p post) any { return view(p, false) }), "comments": each(pick(ps, true), func(p post) any { return view(p, true) })})
	})
	return mux
}
