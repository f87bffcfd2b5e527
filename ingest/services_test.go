package ingest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// obj and arr make JSON as services do.
type (
	obj map[string]any
	arr []any
)

func writeJSON(w http.ResponseWriter, v any) {
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

func retryHead(h http.Header, until time.Time) {
	h.Set("Retry-After", strconv.Itoa(int(time.Until(until).Seconds())))
}

func services(t *testing.T) map[string]played {
	t.Helper()
	return map[string]played{
		"x": {
			conf: Config{Kind: "x", Token: "geheim", BaseURL: "http://service.test"}, refused: http.StatusUnauthorized, serve: serveX,
			limit: func(h http.Header, until time.Time) { h.Set("x-rate-limit-reset", strconv.FormatInt(until.Unix(), 10)) },
		},
		"mastodon": {
			conf: Config{Kind: "mastodon", Tags: []string{"acme"}, Mode: "poll"}, refused: http.StatusUnauthorized, serve: serveMastodon,
			limit: func(h http.Header, until time.Time) {
				h.Set("X-RateLimit-Reset", until.UTC().Format("2006-01-02T15:04:05.000000Z"))
			},
		},
		"mastodon stream": {
			conf: Config{Kind: "mastodon", Tags: []string{"acme"}, Token: "geheim"}, refused: http.StatusUnauthorized, serve: serveMastodon, pushes: true,
			limit: func(h http.Header, until time.Time) {
				h.Set("X-RateLimit-Reset", until.UTC().Format("2006-01-02T15:04:05.000000Z"))
			},
		},
		"bluesky stream": {conf: Config{Kind: "bluesky"}, refused: http.StatusForbidden, serve: serveJetstream, pushes: true, limit: retryHead, only: func(f fault) bool { return f <= refused }},
		"bluesky search": {
			conf: Config{Kind: "bluesky", Mode: "search", Account: "acme.example", Token: "geheim"}, refused: http.StatusUnauthorized, serve: serveBluesky,
			limit: func(h http.Header, until time.Time) { h.Set("ratelimit-reset", strconv.FormatInt(until.Unix(), 10)) },
		},
		"reddit": {
			conf: Config{Kind: "reddit", Subreddits: []string{"acme"}, Account: "app", Token: "geheim"}, refused: http.StatusForbidden, serve: serveReddit,
			limit: func(h http.Header, until time.Time) {
				h.Set("x-ratelimit-reset", strconv.Itoa(int(time.Until(until).Seconds())))
			},
		},
		"reddit feeds": {conf: Config{Kind: "reddit", Search: []string{"acme"}}, refused: http.StatusForbidden, serve: serveReddit, limit: retryHead},
		"hackernews":   {conf: Config{Kind: "hackernews"}, refused: http.StatusForbidden, serve: serveHn, limit: retryHead},
		"lemmy":        {conf: Config{Kind: "lemmy", Communities: []string{"acme"}}, refused: http.StatusForbidden, serve: serveLemmy, limit: retryHead, lists: 2},
		"lemmy search": {conf: Config{Kind: "lemmy"}, refused: http.StatusForbidden, serve: serveLemmy, limit: retryHead},
		"gdelt":        {conf: Config{Kind: "gdelt"}, refused: http.StatusForbidden, serve: serveGdelt, limit: retryHead},
		"youtube":      {conf: Config{Kind: "youtube", Channels: []string{"UCacme"}, Token: "geheim"}, refused: http.StatusForbidden, serve: serveYoutube, limit: retryHead, lists: 2},
		"telegram":     {conf: Config{Kind: "telegram", Token: "12:geheim"}, refused: http.StatusUnauthorized, serve: serveTelegram, limit: func(http.Header, time.Time) {}, body: `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 300","parameters":{"retry_after":300}}`},
		"appstore":     {conf: Config{Kind: "appstore", Apps: []string{"42"}, Countries: []string{"de"}}, refused: http.StatusForbidden, serve: serveAppstore, limit: retryHead},
		"playstore":    {conf: Config{Kind: "playstore", Apps: []string{"com.acme"}, Token: serviceAccount(t)}, refused: http.StatusUnauthorized, serve: servePlaystore, limit: retryHead},
		"bulletin":     {conf: Config{Kind: "bulletin"}, refused: http.StatusForbidden, serve: serveBulletin, limit: retryHead},
		"feed":         {conf: Config{Kind: "feed", URL: "http://service.test/feed"}, refused: http.StatusForbidden, serve: serveFeed, limit: retryHead},
	}
}

func serveGdelt(w *world) http.Handler {
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
		writeJSON(rw, obj{"articles": each(ps, func(p post) any {
			return obj{"url": fmt.Sprintf("https://news.example/%d", p.n), "title": p.text, "seendate": p.at.UTC().Format("20060102T150405Z"), "domain": "news.example", "language": "German", "sourcecountry": "Germany"}
		})})
	})
}

func serveYoutube(w *world) http.Handler {
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
		writeJSON(rw, doc)
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
		writeJSON(rw, doc)
	}))
	return mux
}

// serveTelegram keeps updates until a higher offset is asked for.
func serveTelegram(w *world) http.Handler {
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
		writeJSON(rw, obj{"ok": true, "result": each(ps, func(p post) any {
			return obj{"update_id": p.n + 1000, "channel_post": obj{"message_id": p.n, "date": p.at.Unix(), "chat": obj{"id": -100123, "title": "Acme", "username": "acme", "type": "channel"}, "text": p.text}}
		})})
	})
}

func serveAppstore(w *world) http.Handler {
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
		writeJSON(rw, obj{"feed": feed})
	})
}

func serveFeed(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w.mu.Lock()
		ps := append([]post{}, w.posts...)
		if w.last > 0 {
			ps = ps[max(0, len(ps)-w.last):]
		}
		w.mu.Unlock()
		rw.Header().Set("Content-Type", "application/rss+xml")
		fmt.Fprint(rw, `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>News</title>`)
		for _, p := range w.shuffled(ps) {
			fmt.Fprintf(rw, `<item><guid>%d</guid><title>%s</title><link>https://news.example/%d</link><author>%s</author><pubDate>%s</pubDate></item>`, p.n, html.EscapeString(p.text), p.n, p.author(), p.at.Format(time.RFC1123Z))
		}
		fmt.Fprint(rw, `</channel></rss>`)
	})
}
