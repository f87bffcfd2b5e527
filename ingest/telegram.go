package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"
)

// telegram reads the posts of the public channels that a bot is a member of, by long polling
// (https://core.telegram.org/bots/api#getupdates). Telegram keeps them for a day. The token is part of the address,
// so errors never contain the address.
type telegram struct {
	*service
	channels []string
}

const (
	telegramWait  = 25 * time.Second
	telegramMaxID = 1 << 52 // the largest number of an update (core.telegram.org/bots/api: at most 52 significant bits)
)

func newTelegram(c Config, d Deps) (Source, error) {
	if c.Token == "" {
		return nil, errors.New("token_file is missing: a file with the bot's token, which @BotFather gives")
	}
	s, err := newService("Telegram", c.URL, "https://api.telegram.org", d)
	if err != nil {
		return nil, err
	}
	s.advice = "is the token right, and is no other program or web hook fetching this bot's updates?"
	t := &telegram{service: s}
	t.base += "/bot" + url.PathEscape(c.Token)
	for _, name := range c.Channels {
		t.channels = append(t.channels, strings.ToLower(strings.TrimPrefix(name, "@")))
	}
	return t, nil
}

type telegramPost struct {
	ID   int64   `json:"message_id"`
	Date anyTime `json:"date"`
	Chat struct {
		ID       int64  `json:"id"`
		Title    string `json:"title"`
		Username string `json:"username"`
	} `json:"chat"`
	Text    string `json:"text"`
	Caption string `json:"caption"`
	Origin  *struct {
		Chat struct {
			Username string `json:"username"`
		} `json:"chat"`
		ID int64 `json:"message_id"`
	} `json:"forward_origin"`
	ReplyTo *struct {
		ID int64 `json:"message_id"`
	} `json:"reply_to_message"`
}

func (s *telegram) Listen(ctx context.Context, cursor string, emit Emit) error {
	q := url.Values{"timeout": {strconv.Itoa(int(telegramWait.Seconds()))}, "allowed_updates": {`["channel_post"]`}, "limit": {"100"}}
	next, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || next < 0 || next > telegramMaxID {
		next, cursor = 0, "" // without an offset Telegram begins with the oldest update
	}
	if cursor != "" {
		q.Set("offset", cursor)
	}
	_, text, err := s.text(ctx, "/getUpdates", q)
	var no *RefusedError
	switch {
	case errors.As(err, &no) && no.Status == http.StatusConflict:
		no.GiveUp, no.Advice = true, s.advice
		return no
	case err != nil:
		return err
	}
	var doc struct {
		Result []json.RawMessage `json:"result"`
	}
	if err := decode(text, &doc); err != nil {
		return fmt.Errorf("read the answer of Telegram: %w", err)
	}
	b := Batch{Cursor: cursor}
	for _, raw := range doc.Result {
		var u struct {
			ID   int64           `json:"update_id"`
			Post json.RawMessage `json:"channel_post"`
		}
		var post *telegramPost
		err := json.Unmarshal(raw, &u)
		if err == nil && len(u.Post) > 0 {
			err = json.Unmarshal(u.Post, &post)
		}
		if err == nil && (u.ID < 0 || u.ID >= telegramMaxID) {
			err = fmt.Errorf("its number %d cannot be", u.ID)
		}
		if err != nil {
			b.Bad = append(b.Bad, unreadable(raw, fmt.Errorf("read an update of Telegram: %w", err)))
			post = nil
		}
		if u.ID >= next && u.ID < telegramMaxID { // also of an unreadable one, which would be returned forever
			next = u.ID + 1
		}
		if post != nil && (len(s.channels) == 0 || slices.Contains(s.channels, strings.ToLower(post.Chat.Username))) {
			if m := post.mention(); m.Text != "" {
				b.Mentions = append(b.Mentions, m)
			}
		}
	}
	if len(doc.Result) == 0 {
		return nil
	}
	b.Cursor = strconv.FormatInt(next, 10)
	return emit(ctx, b)
}

func (p *telegramPost) mention() brand.Mention {
	m := brand.Mention{
		ID: fmt.Sprintf("telegram:%d/%d", p.Chat.ID, p.ID), Source: "telegram", At: p.Date.Time, Author: p.Chat.Username, AuthorName: p.Chat.Title, Text: p.Text + p.Caption, Kind: brand.Post,
	}
	if p.Chat.Username != "" {
		m.URL = fmt.Sprintf("https://t.me/%s/%d", p.Chat.Username, p.ID)
	}
	switch {
	case p.Origin != nil:
		m.Kind = brand.Repost
		if p.Origin.Chat.Username != "" {
			m.InReplyTo = fmt.Sprintf("https://t.me/%s/%d", p.Origin.Chat.Username, p.Origin.ID)
		}
	case p.ReplyTo != nil:
		m.Kind, m.InReplyTo = brand.Reply, fmt.Sprintf("telegram:%d/%d", p.Chat.ID, p.ReplyTo.ID)
	}
	return m
}
