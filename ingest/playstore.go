package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"brandmelder/brand"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"
)

// playstore reads the reviews of one's own apps by the publisher API
// (https://developers.google.com/android-publisher/reply-to-reviews): those of the last week, with a service
// account's key. A review that was rewritten is a new mention.
type playstore struct {
	*service
	key    jwt.Config
	token  *oauth2.Token
	places []list
}

func newPlaystore(c Config, d Deps) (Source, error) {
	if len(c.Apps) == 0 {
		return nil, errors.New("apps is missing: the packages, such as com.acme.app")
	}
	if c.Token == "" {
		return nil, errors.New("token_file is missing: the service account's key, a JSON file of the Google Cloud console")
	}
	var key struct {
		Email string `json:"client_email"`
		ID    string `json:"private_key_id"`
		Key   string `json:"private_key"`
		URL   string `json:"token_uri"`
	}
	if err := json.Unmarshal([]byte(c.Token), &key); err != nil || key.Email == "" || key.Key == "" || key.URL == "" {
		return nil, errors.New("token_file holds no service account's key; the Google Cloud console makes one as a JSON file")
	}
	s, err := newService("Google Play", c.URL, "https://androidpublisher.googleapis.com", d)
	if err != nil {
		return nil, err
	}
	s.advice = "may the service account see this app's reviews in the Play Console?"
	p := &playstore{service: s, key: jwt.Config{Email: key.Email, PrivateKeyID: key.ID, PrivateKey: []byte(key.Key), TokenURL: key.URL, Scopes: []string{"https://www.googleapis.com/auth/androidpublisher"}}}
	for _, app := range c.Apps {
		p.places = append(p.places, list{app, func(ctx context.Context, _ time.Time, next string) (page, error) {
			if err := p.authorize(ctx); err != nil {
				return page{}, err
			}
			return p.reviews(ctx, app, next)
		}})
	}
	return p, nil
}

func (s *playstore) Listen(ctx context.Context, cursor string, emit Emit) error {
	return readLists(ctx, s.places, cursor, s.deps.Now, emit)
}

// authorize gets a token for an hour if there is no valid one.
func (s *playstore) authorize(ctx context.Context) error {
	if s.token.Valid() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	defer cancel()
	client := *s.deps.Client
	client.Transport = within{ctx, client.Transport}
	token, err := s.key.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, &client)).Token()
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.Response != nil:
		return wholeSource(refusal("Google", "is the service account's key still valid?", refused.Response, refused.Body, s.deps.Now()))
	case err != nil:
		return errors.New("Google gave no token for the service account's key") // the error may contain the assertion
	}
	s.token = token
	s.header.Set("Authorization", "Bearer "+token.AccessToken)
	return nil
}

// within gives a context to the requests of a library that has none.
type within struct {
	ctx  context.Context
	next http.RoundTripper
}

func (w within) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.next.RoundTrip(r.WithContext(w.ctx))
}

func (s *playstore) reviews(ctx context.Context, app, next string) (pg page, err error) {
	q := url.Values{"maxResults": {"100"}}
	if next != "" {
		q.Set("token", next)
	}
	var doc struct {
		Reviews []json.RawMessage `json:"reviews"`
		Paging  struct {
			Next string `json:"nextPageToken"`
		} `json:"tokenPagination"`
	}
	if _, err := s.get(ctx, "/androidpublisher/v3/applications/"+url.PathEscape(app)+"/reviews", q, &doc); err != nil {
		return pg, err
	}
	for _, raw := range doc.Reviews {
		var r struct {
			ID       string `json:"reviewId"`
			Author   string `json:"authorName"`
			Comments []struct {
				User *struct {
					Text     string `json:"text"` // title and text, with a tab between
					Modified struct {
						Seconds anyTime `json:"seconds"`
					} `json:"lastModified"`
					Stars   int    `json:"starRating"`
					Lang    string `json:"reviewerLanguage"`
					Version string `json:"appVersionName"`
					Likes   int64  `json:"thumbsUpCount"`
				} `json:"userComment"`
			} `json:"comments"`
		}
		err := json.Unmarshal(raw, &r)
		if err == nil && (r.ID == "" || len(r.Comments) == 0 || r.Comments[0].User == nil || r.Comments[0].User.Modified.Seconds.IsZero()) {
			err = errors.New("it has no reviewId or userComment with its time")
		}
		if err != nil {
			pg.bad = append(pg.bad, unreadable(raw, fmt.Errorf("read a review of Google Play: %w", err)))
			continue
		}
		u := r.Comments[0].User
		title, text, found := strings.Cut(u.Text, "\t")
		if !found {
			title, text = "", u.Text
		}
		if strings.TrimSpace(title+text) == "" {
			continue // only stars
		}
		pg.mentions = append(pg.mentions, brand.Mention{
			ID: "playstore:" + r.ID + "@" + strconv.FormatInt(u.Modified.Seconds.Unix(), 10), Source: "playstore", At: u.Modified.Seconds.Time, Author: r.Author, AuthorName: r.Author,
			Title: strings.TrimSpace(title), Text: text, Lang: u.Lang[:min(2, len(u.Lang))], URL: "https://play.google.com/store/apps/details?id=" + url.QueryEscape(app) + "&reviewId=" + url.QueryEscape(r.ID),
			Kind: brand.Review, Likes: u.Likes, Extra: reviewExtra(strconv.Itoa(u.Stars), u.Version),
		})
	}
	pg.next = doc.Paging.Next
	return pg, nil
}
