package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // for Pacific time, in which Google counts days

	"brandmelder/brand"
)

// youtube reads the comments and new videos of channels, and searches for videos, by the Data API v3
// (https://developers.google.com/youtube/v3). Its quota is 10,000 units a day by default: a page of comments or of a
// channel's videos costs one, a page of search a hundred.
type youtube struct {
	*service
	key      string
	places   []list
	searched map[string]time.Time // the last search for each term
	pace     time.Duration        // between two searches for the same term
}

const (
	youtubeSearch = 100  // units
	youtubeShare  = 8000 // units a day that searches may cost
)

func newYoutube(c Config, d Deps) (Source, error) {
	if c.Token == "" {
		return nil, errors.New("token_file is missing: a file with an API key of the Google Cloud console")
	}
	s, err := newService("YouTube", c.URL, "https://www.googleapis.com", d)
	if err != nil {
		return nil, err
	}
	s.advice = "is the key right, and is YouTube Data API v3 enabled for it?"
	y := &youtube{service: s, key: c.Token, searched: map[string]time.Time{}}
	for _, id := range c.Channels {
		rest, ok := strings.CutPrefix(id, "UC")
		if !ok {
			return nil, fmt.Errorf("channels: %q is no channel's ID, which begins with UC (Advanced settings of the channel show it)", id)
		}
		y.places = append(y.places, list{"comments of " + id, func(ctx context.Context, _ time.Time, next string) (page, error) {
			return y.comments(ctx, id, next)
		}}, list{"videos of " + id, func(ctx context.Context, _ time.Time, next string) (page, error) {
			return y.videos(ctx, "/youtube/v3/playlistItems", url.Values{"playlistId": {"UU" + rest}}, next)
		}})
	}
	search := c.Search
	if len(search) == 0 && len(c.Channels) == 0 {
		if search, err = searchTerms(c, d.Topics); err != nil {
			return nil, err
		}
	}
	y.pace = time.Duration(len(search)) * 24 * time.Hour * youtubeSearch / youtubeShare
	for _, term := range search {
		y.places = append(y.places, list{term, func(ctx context.Context, since time.Time, next string) (page, error) {
			if now := d.Now(); next == "" && now.Sub(y.searched[term]) < y.pace {
				return page{}, nil // the quota of the day is used up
			} else if next == "" {
				y.searched[term] = now
			}
			return y.videos(ctx, "/youtube/v3/search", url.Values{"q": {term}, "type": {"video"}, "order": {"date"}, "publishedAfter": {since.UTC().Format(time.RFC3339)}}, next)
		}})
	}
	return y, nil
}

func (s *youtube) Listen(ctx context.Context, cursor string, emit Emit) error {
	return readLists(ctx, s.places, cursor, s.deps.Now, emit)
}

func (s *youtube) ask(ctx context.Context, path string, q url.Values, next string, into any) error {
	q.Set("key", s.key)
	q.Set("part", "snippet")
	if next != "" {
		q.Set("pageToken", next)
	}
	_, err := s.get(ctx, path, q, into)
	var no *RefusedError
	if !errors.As(err, &no) {
		return err
	}
	switch {
	case no.Status == http.StatusForbidden && strings.Contains(strings.ToLower(no.Detail), "quota"):
		return &SlowDown{googleMidnight(s.deps.Now()), "the day's quota of YouTube is spent"}
	case no.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(no.Detail), "api key"):
		no.GiveUp, no.Advice = true, s.advice
	}
	return err
}

// googleMidnight returns when the quota starts again: midnight in Pacific time.
func googleMidnight(now time.Time) time.Time {
	pacific, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		pacific = time.FixedZone("PST", -8*3600)
	}
	y, m, d := now.In(pacific).Date()
	return time.Date(y, m, d+1, 0, 1, 0, 0, pacific)
}

type youtubeComment struct {
	ID      string `json:"id"`
	Snippet struct {
		Video  string `json:"videoId"`
		Text   string `json:"textOriginal"`
		Shown  string `json:"textDisplay"`
		Author string `json:"authorDisplayName"`
		Who    struct {
			Value string `json:"value"`
		} `json:"authorChannelId"`
		Likes  int64   `json:"likeCount"`
		At     anyTime `json:"publishedAt"`
		Parent string  `json:"parentId"`
	} `json:"snippet"`
}

func (s *youtube) comments(ctx context.Context, channel, next string) (pg page, err error) {
	var doc struct {
		Next  string `json:"nextPageToken"`
		Items []struct {
			Snippet struct {
				Video string         `json:"videoId"`
				Top   youtubeComment `json:"topLevelComment"`
				Total int64          `json:"totalReplyCount"`
			} `json:"snippet"`
			Replies struct {
				Comments []youtubeComment `json:"comments"`
			} `json:"replies"`
		} `json:"items"`
	}
	q := url.Values{"allThreadsRelatedToChannelId": {channel}, "order": {"time"}, "maxResults": {"100"}, "textFormat": {"plainText"}}
	if err := s.ask(ctx, "/youtube/v3/commentThreads", q, next, &doc); err != nil {
		return pg, err
	}
	for _, it := range doc.Items {
		it.Snippet.Top.Snippet.Parent = ""
		for _, c := range append([]youtubeComment{it.Snippet.Top}, it.Replies.Comments...) {
			if c.ID == "" || c.Snippet.At.IsZero() {
				pg.bad = append(pg.bad, unreadable([]byte(c.ID+" "+c.Snippet.Text), errors.New("read a comment of YouTube: it has no id or publishedAt")))
				continue
			}
			video := it.Snippet.Video
			m := brand.Mention{
				ID: "youtube:" + c.ID, Source: "youtube", At: c.Snippet.At.Time, Author: c.Snippet.Who.Value, AuthorName: c.Snippet.Author, Text: c.Snippet.Text, Kind: brand.Reply,
				InReplyTo: "youtube:" + video, Likes: c.Snippet.Likes, URL: "https://www.youtube.com/watch?v=" + url.QueryEscape(video) + "&lc=" + url.QueryEscape(c.ID),
			}
			if m.Text == "" {
				m.Text = plain(c.Snippet.Shown)
			}
			if c.Snippet.Parent != "" {
				m.InReplyTo = "youtube:" + c.Snippet.Parent
			}
			pg.mentions = append(pg.mentions, m)
		}
	}
	pg.next = doc.Next
	return pg, nil
}

func (s *youtube) videos(ctx context.Context, path string, q url.Values, next string) (pg page, err error) {
	q.Set("maxResults", "50")
	var doc struct {
		Next  string `json:"nextPageToken"`
		Items []struct {
			ID      json.RawMessage `json:"id"` // a string, or {"videoId": …}
			Snippet struct {
				At       anyTime `json:"publishedAt"`
				Title    string  `json:"title"`
				Text     string  `json:"description"`
				Channel  string  `json:"channelId"`
				Name     string  `json:"channelTitle"`
				Resource struct {
					Video string `json:"videoId"`
				} `json:"resourceId"`
			} `json:"snippet"`
		} `json:"items"`
	}
	if err := s.ask(ctx, path, q, next, &doc); err != nil {
		return pg, err
	}
	for _, it := range doc.Items {
		var id struct {
			Video string `json:"videoId"`
		}
		_ = json.Unmarshal(it.ID, &id) // an item of a playlist has it elsewhere
		if id.Video == "" {
			id.Video = it.Snippet.Resource.Video
		}
		if id.Video == "" || it.Snippet.At.IsZero() {
			pg.bad = append(pg.bad, unreadable([]byte(it.Snippet.Title), errors.New("read a video of YouTube: it has no videoId or publishedAt")))
			continue
		}
		m := brand.Mention{
			ID: "youtube:" + id.Video, Source: "youtube", At: it.Snippet.At.Time, Author: it.Snippet.Channel, AuthorName: it.Snippet.Name,
			Title: html.UnescapeString(it.Snippet.Title), Text: it.Snippet.Text, Kind: brand.Post, URL: "https://www.youtube.com/watch?v=" + url.QueryEscape(id.Video),
		}
		if m.Text == "" {
			m.Text = m.Title
		}
		pg.mentions = append(pg.mentions, m)
	}
	pg.next = doc.Next
	return pg, nil
}
