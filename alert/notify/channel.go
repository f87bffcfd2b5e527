package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"brandmelder/alert/outbound"
	"brandmelder/people"
)

// Channel is a way to reach people.
type Channel interface {
	// Send delivers the message to the person, or, where to is nil, to all who read the channel. A nil error means
	// that the other side answered with the receipt that its service documents. An error that wraps ErrGiveUp will not
	// go away by trying again. No error holds a secret.
	Send(ctx context.Context, m Message, to *people.Person) error
}

// ErrGiveUp is wrapped by errors of a channel for which trying again is useless: the address is wrong, not the hour.
var ErrGiveUp = outbound.ErrGiveUp

// Config is one channel of the configuration. Which keys may stand beside kind, the table kinds says.
type Config struct {
	Name         string `yaml:"name"`
	Kind         string `yaml:"kind"`
	URL          string `yaml:"url"`      // where it is no secret: alertmanager, webhook
	URLFile      string `yaml:"url_file"` // where it is
	Host         string `yaml:"host"`     // mail
	Port         int    `yaml:"port"`
	From         string `yaml:"from"`
	To           string `yaml:"to"` // mail to nobody in particular: the team
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	TLS          string `yaml:"tls"` // mail: required (default), optional, none

	Secret   string `yaml:"-"` // what URLFile holds; cmd reads it
	Password string `yaml:"-"` // what PasswordFile holds
}

type kind struct {
	keys  []string
	make  func(c Config) (Channel, error)
	pager bool // it shows an incident until it reads that it is over

	delivers bool // its receipt says that the message has arrived, and not only that it will be passed on
}

var kinds = map[string]kind{
	"alertmanager": {[]string{"url"}, newAlertmanager, true, false},
	"mail":         {[]string{"host", "port", "from", "to", "user", "password_file", "tls"}, newMail, false, false},
	"shoutrrr":     {[]string{"url_file"}, newShoutrrr, false, false},
	"slack":        {[]string{"url_file"}, newSlack, false, true},
	"webhook":      {[]string{"url", "url_file"}, newWebhook, false, false},
}

// Kinds returns the names of the sorts of channels with the keys that each may have beside name and kind.
func Kinds() map[string][]string {
	out := map[string][]string{}
	for name, k := range kinds {
		out[name] = k.keys
	}
	return out
}

// Delivers reports whether the receipt of channels of the kind says that a message has arrived.
func Delivers(kind string) bool { return kinds[kind].delivers }

// IsPager reports whether channels of the kind show an incident until they read that it is over.
func IsPager(kind string) bool { return kinds[kind].pager }

// New makes a channel.
func New(c Config) (Channel, error) {
	k, ok := kinds[c.Kind]
	if !ok {
		return nil, fmt.Errorf("no channel of kind %q", c.Kind)
	}
	made, err := k.make(c)
	if err != nil {
		return nil, err
	}
	return cleaned{made}, nil
}

// cleaned sends what others wrote without the characters that change how the rest of a message reads.
type cleaned struct{ Channel }

func (c cleaned) Send(ctx context.Context, m Message, to *people.Person) error {
	return c.Channel.Send(ctx, cleanMessage(m), to)
}

// Recorder is a channel that reaches nobody: for replays, whose calls are read from the store.
type Recorder struct{}

// Send does nothing.
func (Recorder) Send(context.Context, Message, *people.Person) error { return nil }

// SendTimeout is how long a channel may take for a message.
const SendTimeout = 15 * time.Second

// maxAnswer bounds an answer of a channel, in bytes after decompression. The longest that a service documents has a few
// hundred.
const maxAnswer = 64 << 10

var httpClient = outbound.Client(SendTimeout, maxAnswer)

// address is a channel's URL, from the file if it is a secret.
func address(c Config) (string, error) {
	raw := c.Secret
	if raw == "" {
		raw = c.URL
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("url is not of the form https://host/path")
	}
	return raw, nil
}

// post sends JSON and returns the body of an answer that says that it was taken: a 2xx that is no web page. key makes a
// repeated call recognisable to the other side.
func post(ctx context.Context, to string, body []byte, key string) (answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return "", errors.New("its address is no address")
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := httpClient.Do(req)
	if err != nil {
		return "", outbound.WithoutURL(err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body) // to its end, so that the connection can be used again
	if failed := status(res); failed != nil {
		return string(read), failed
	}
	// A receipt that is too long is one; one that breaks off may not be.
	if err != nil && !errors.Is(err, outbound.ErrTooLong) {
		return "", fmt.Errorf("reading the answer: %w", outbound.WithoutURL(err))
	}
	return strings.TrimSpace(string(read)), nil
}

// Later is the error of a channel whose other side said when to try again.
type Later struct {
	After time.Duration
	Err   error
}

func (e *Later) Error() string { return e.Err.Error() }
func (e *Later) Unwrap() error { return e.Err }

func status(res *http.Response) error {
	// The server's own words for its status are left out: they may hold anything.
	words := strings.TrimSpace(fmt.Sprint(res.StatusCode, " ", http.StatusText(res.StatusCode)))
	err := errors.New("the other side answered " + words)
	switch {
	case res.StatusCode/100 == 2:
		return nil
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		if s, convErr := time.ParseDuration(res.Header.Get("Retry-After") + "s"); convErr == nil && s > 0 {
			return &Later{min(s, 10*time.Minute), err}
		}
		return err
	case res.StatusCode/100 == 4 && res.StatusCode != http.StatusRequestTimeout:
		return fmt.Errorf("%w: %w", err, ErrGiveUp)
	}
	return err
}
