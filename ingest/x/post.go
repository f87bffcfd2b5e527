package x

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"time"

	"brandmelder/brand"
)

// idPrefix begins the ID of each mention from X.
const idPrefix = "x:"

// setFields asks for all fields that a mention needs.
func setFields(q url.Values) {
	q.Set("tweet.fields", "created_at,lang,author_id,public_metrics,referenced_tweets,in_reply_to_user_id,note_tweet,edit_history_tweet_ids,withheld")
	q.Set("expansions", "author_id")
	q.Set("user.fields", "username,name,public_metrics")
}

// page is a page of posts.
type page struct {
	Data     []json.RawMessage `json:"data"`
	Includes struct {
		Users []user `json:"users"`
	} `json:"includes"`
	Meta struct {
		NewestID  string `json:"newest_id"`
		NextToken string `json:"next_token"`
	} `json:"meta"`
}

type user struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Username string `json:"username"`
	Metrics  struct {
		Followers int64 `json:"followers_count"`
	} `json:"public_metrics"`
}

type post struct {
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

// batch makes mentions of the posts. Posts that are withheld for copyright may not be shown: they are left out.
func (p *page) batch() (b Batch) {
	users := map[string]user{}
	for _, u := range p.Includes.Users {
		users[u.ID] = u
	}
	for _, raw := range p.Data {
		var one post
		err := json.Unmarshal(raw, &one)
		if err == nil && (one.ID == "" || one.CreatedAt.IsZero()) {
			err = errors.New("a post without id or created_at")
		}
		if err != nil {
			b.Bad = append(b.Bad, Bad{raw, fmt.Errorf("read a post of X: %w", err)})
			continue
		}
		if one.Withheld.Copyright {
			continue
		}
		b.Mentions = append(b.Mentions, one.mention(users[one.AuthorID]))
	}
	return b
}

func (p *post) mention(u user) brand.Mention {
	m := brand.Mention{
		ID: idPrefix + p.ID, Source: "x", At: p.CreatedAt, Author: u.Username, AuthorName: u.Name,
		Followers: u.Metrics.Followers, Text: html.UnescapeString(p.Text), Kind: brand.Post,
		Likes: p.Metrics.Likes, Reposts: p.Metrics.Reposts, Replies: p.Metrics.Replies,
	}
	if len(p.Edits) > 0 && p.Edits[0] != "" {
		m.ID = idPrefix + p.Edits[0] // each version of an edited post has a number of its own
	}
	if p.Note.Text != "" {
		m.Text = html.UnescapeString(p.Note.Text)
	}
	if m.Author == "" {
		m.Author = p.AuthorID
	}
	m.URL = "https://x.com/" + url.PathEscape(m.Author) + "/status/" + p.ID
	if p.Lang != "und" && !strings.HasPrefix(p.Lang, "q") { // X's codes for unknown, only links, and so on
		m.Lang = p.Lang
	}
	for _, r := range p.Referenced {
		switch r.Type {
		case "retweeted":
			m.Kind, m.InReplyTo = brand.Repost, idPrefix+r.ID
			m.Reposts = 0 // X counts those of the original here
		case "replied_to":
			m.Kind, m.InReplyTo = brand.Reply, idPrefix+r.ID
		}
	}
	return m
}
