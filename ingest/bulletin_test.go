package ingest

// The example of docs/contributing-a-source.md. A test checks that the page has the text between the marks word for
// word.

// --- bulletin.go
import (
	"context"
	"errors"
	"net/url"
	"time"

	"brandmelder/brand"
)

// bulletin reads a bulletin board that answers GET /notices?before=ID with its newest notices.
type bulletin struct{ *service }

func newBulletin(c Config, d Deps) (Source, error) {
	if c.URL == "" {
		return nil, errors.New("url is missing: the board, such as https://board.example")
	}
	s, err := newService("the board", c.URL, "", d)
	if err != nil {
		return nil, err
	}
	return &bulletin{s}, nil
}

func (s *bulletin) Listen(ctx context.Context, cursor string, emit Emit) error {
	return readLists(ctx, []list{{"notices", s.notices}}, cursor, s.deps.Now, emit)
}

// notices returns one page of the list, newest first.
func (s *bulletin) notices(ctx context.Context, _ time.Time, next string) (pg page, err error) {
	q := url.Values{}
	if next != "" {
		q.Set("before", next)
	}
	var doc struct {
		Notices []struct {
			ID   string    `json:"id"`
			At   time.Time `json:"at"`
			By   string    `json:"by"`
			Text string    `json:"text"`
		} `json:"notices"`
		Older string `json:"older"`
	}
	if _, err := s.get(ctx, "/notices", q, &doc); err != nil {
		return pg, err
	}
	for _, n := range doc.Notices {
		pg.mentions = append(pg.mentions, brand.Mention{
			ID: "board:" + n.ID, Source: "board", At: n.At, Author: n.By, Text: n.Text, URL: s.base + "/notices/" + n.ID,
		})
	}
	pg.next = doc.Older
	return pg, nil
}

// --- end
