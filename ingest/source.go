package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"brandmelder/brand"
)

// Source is a service, a feed, a file or a push that mentions are read from.
type Source interface {
	// Listen reads the mentions after the cursor and emits them. A source that is polled returns nil after one visit.
	// A stream returns when it ends or ctx does. The cursor is that of the last batch that was emitted without an
	// error, in any process, or "". An error of emit must be returned at once.
	//
	// Errors: SlowDown names the time of the next visit; ErrGiveUp says that a retry soon is useless; all others are
	// retried with growing pauses.
	Listen(ctx context.Context, cursor string, emit Emit) error
}

// Emit puts a batch on the stream, then saves its cursor. After nil both are done.
type Emit func(ctx context.Context, b Batch) error

// Batch is mentions with the cursor after them.
type Batch struct {
	Mentions []brand.Mention
	Cursor   string
	Bad      []Bad    // items that cannot be read; they become dead letters
	Gone     []string // IDs of mentions that their authors deleted
	Note     string   // for the status until the next visit
}

// Bad is an item that cannot be read.
type Bad struct {
	Item string
	Err  error
}

// ErrGiveUp is wrapped by errors that only a person can correct, such as a refused token. The source is tried again
// every half hour.
var ErrGiveUp = errors.New("a person must correct this")

// SlowDown is the error of a source whose service asked for a pause.
type SlowDown struct {
	Until time.Time
	Why   string
}

func (e *SlowDown) Error() string {
	return fmt.Sprintf("%s; asked to come back at %s", e.Why, e.Until.UTC().Format(time.TimeOnly))
}

// Answer returns the status that asks for a pause, as package x wants it.
func (e *SlowDown) Answer() (status int, detail string) { return http.StatusTooManyRequests, e.Why }

// Config is one source of the configuration. The table kinds lists the keys that each kind may have.
type Config struct {
	Kind          string            `yaml:"kind"`
	Name          string            `yaml:"name"`            // default: the kind, or the host of the URL
	Every         time.Duration     `yaml:"every"`           // pace of visits
	URL           string            `yaml:"url"`             // feed or instance; or a server in place of the usual
	Path          string            `yaml:"path"`            // file: JSON lines or CSV; - is standard input
	Map           map[string]string `yaml:"map"`             // file, webhook: their names of a mention's fields
	Items         string            `yaml:"items"`           // webhook: the path of the list of items
	TokenFile     string            `yaml:"token_file"`      // an API's token or key
	PasswordFile  string            `yaml:"password_file"`   // of account; or the secret that signs webhooks
	Account       string            `yaml:"account"`         // bluesky: handle; reddit: id of application; imap: user
	Mode          string            `yaml:"mode"`            // x, mastodon, bluesky
	API           string            `yaml:"api"`             // x: v2 or v1.1
	BaseURL       string            `yaml:"base_url"`        // x: another server, for tests and gateways
	ReadsPerMonth int               `yaml:"reads_per_month"` // x: posts that may be read in a month
	ReadsPerDay   int               `yaml:"reads_per_day"`   // x: the same in a day, beside or instead of it
	Search        []string          `yaml:"search"`          // words; default: those of the topics' queries
	Tags          []string          `yaml:"tags"`            // mastodon
	Languages     []string          `yaml:"languages"`       // bluesky: ISO 639-1
	Subreddits    []string          `yaml:"subreddits"`      // reddit
	Communities   []string          `yaml:"communities"`     // lemmy: name, or name@instance
	Channels      []string          `yaml:"channels"`        // youtube: IDs (UC…); telegram: names, default all
	Apps          []string          `yaml:"apps"`            // appstore: numbers; playstore: packages
	Countries     []string          `yaml:"countries"`       // appstore: ISO 3166-1
	Folder        string            `yaml:"folder"`          // imap
	Retention     time.Duration     `yaml:"retention"`       // of its mentions, if shorter than that of all
	FullText      bool              `yaml:"full_text"`       // feed, gdelt: read linked articles (robots.txt)
	AllowPrivate  bool              `yaml:"allow_private"`   // host and port of its address may be private

	Token string `yaml:"-"` // the content of TokenFile or PasswordFile; cmd reads it
}

// Deps is what a source may use.
type Deps struct {
	Client *http.Client // with limits: see NewClient
	Dial   Dial         // the same for other protocols
	// private makes both for a source whose own server may have a private address. It is nil where Client and Dial
	// serve all.
	private func(c Config) (*http.Client, Dial)
	Topics  []brand.Topic
	// Public is the address at which others reach this process, as https://host; or "".
	Public string
	// Key returns a secret that all processes share. It is nil without a store.
	Key  func(ctx context.Context, name string) ([]byte, error)
	Wake func() // starts a visit at once
	Now  func() time.Time
	Log  *slog.Logger
}

// kind is a kind of source: its own keys of Config, its pace, and its constructor.
type kind struct {
	keys  []string
	every time.Duration
	make  func(c Config, d Deps) (Source, error)
}

var kinds = map[string]kind{
	"appstore":   {[]string{"apps", "countries", "url", "allow_private"}, 15 * time.Minute, newAppstore},
	"bluesky":    {[]string{"mode", "languages", "account", "password_file", "search", "url", "allow_private"}, time.Minute, newBluesky},
	"feed":       {[]string{"url", "full_text", "allow_private"}, 5 * time.Minute, newFeed},
	"file":       {[]string{"path", "map"}, time.Second, newFile},
	"gdelt":      {[]string{"search", "full_text", "url", "allow_private"}, 15 * time.Minute, newGdelt},
	"hackernews": {[]string{"search", "url", "allow_private"}, 5 * time.Minute, newHackernews},
	"imap":       {[]string{"url", "account", "password_file", "folder", "allow_private"}, 2 * time.Minute, newIMAP},
	"lemmy":      {[]string{"url", "communities", "search", "allow_private"}, 2 * time.Minute, newLemmy},
	"mastodon":   {[]string{"url", "tags", "token_file", "mode", "allow_private"}, time.Minute, newMastodon},
	"playstore":  {[]string{"apps", "token_file", "url", "allow_private"}, 15 * time.Minute, newPlaystore},
	"reddit":     {[]string{"subreddits", "search", "account", "password_file", "url", "allow_private"}, 2 * time.Minute, newReddit},
	"telegram":   {[]string{"channels", "token_file", "url", "allow_private"}, time.Second, newTelegram},
	"webhook":    {[]string{"password_file", "map", "items"}, time.Second, newWebhook},
	"x":          {[]string{"token_file", "mode", "api", "base_url", "reads_per_month", "reads_per_day", "allow_private"}, time.Minute, newX},
	"youtube":    {[]string{"channels", "search", "token_file", "url", "allow_private"}, 10 * time.Minute, newYoutube},
}

// NetworkOf returns the Source of the mentions of a source.
func NetworkOf(c Config) string {
	switch c.Kind {
	case "feed", "file", "webhook":
		return NameOf(c)
	case "gdelt":
		return "news"
	case "imap":
		return "mail"
	}
	return c.Kind
}

// Kinds returns the kinds of sources with the keys that each may have beside kind, name and every.
func Kinds() map[string][]string {
	out := map[string][]string{}
	for name, k := range kinds {
		out[name] = k.keys
	}
	return out
}
