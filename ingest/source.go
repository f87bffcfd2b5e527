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

// Source is something that can be listened to.
type Source interface {
	// Listen hears what came behind the cursor and emits it. A source that is polled returns after one visit, with nil;
	// one that streams returns when the stream ends or ctx does. cursor is that of the last batch that was emitted
	// without an error, in this life or an earlier one, or "". An error of emit must be returned at once.
	//
	// Errors: SlowDown says when to come back; ErrGiveUp that trying again soon is useless; all others are retried with
	// growing pauses.
	Listen(ctx context.Context, cursor string, emit Emit) error
}

// Emit puts a batch on the stream and then moves the cursor. When it returns nil, both are done.
type Emit func(ctx context.Context, b Batch) error

// Batch is what a source heard in one go.
type Batch struct {
	Mentions []brand.Mention
	Cursor   string
	Bad      []Bad    // what could not be read; it goes to the dead letters and the rest goes on
	Gone     []string // IDs of mentions that their authors took back: they are removed
	Note     string   // for the status until the next visit: what a person should know
}

// Bad is an item that could not be read.
type Bad struct {
	Item string
	Err  error
}

// ErrGiveUp is wrapped by errors that only a person can mend, such as a refused token. The source is tried again at a slow pace.
var ErrGiveUp = errors.New("a person must mend this")

// SlowDown is the error of a source that was told when to come back.
type SlowDown struct {
	Until time.Time
	Why   string
}

func (e *SlowDown) Error() string {
	return fmt.Sprintf("%s; asked to come back at %s", e.Why, e.Until.UTC().Format(time.TimeOnly))
}

// Answer returns the status that asks for a pause, as package x wants it.
func (e *SlowDown) Answer() (status int, detail string) { return http.StatusTooManyRequests, e.Why }

// Config is one source of the configuration. Which keys may stand beside kind, the table kinds says.
type Config struct {
	Kind          string            `yaml:"kind"`
	Name          string            `yaml:"name"`            // default: the kind, or the host of the URL
	Every         time.Duration     `yaml:"every"`           // pace of visits
	URL           string            `yaml:"url"`             // of a feed, an instance, a server; elsewhere another server than the usual, for tests and gateways
	Path          string            `yaml:"path"`            // file: JSON lines or CSV; - is standard input
	Map           map[string]string `yaml:"map"`             // file, webhook: which of their fields is which of a mention's
	Items         string            `yaml:"items"`           // webhook: where the list of items is, for pushes with several
	TokenFile     string            `yaml:"token_file"`      // an API's token or key
	PasswordFile  string            `yaml:"password_file"`   // of account; the secret that signs web hooks
	Account       string            `yaml:"account"`         // bluesky: handle; reddit: the application's id; imap: user
	Mode          string            `yaml:"mode"`            // x, mastodon, bluesky
	API           string            `yaml:"api"`             // x: v2 or v1.1
	BaseURL       string            `yaml:"base_url"`        // x: another server, for tests and gateways
	ReadsPerMonth int               `yaml:"reads_per_month"` // x: posts that may be read in a month
	ReadsPerDay   int               `yaml:"reads_per_day"`   // x: the same in a day, beside or instead of it
	Search        []string          `yaml:"search"`          // words to ask for; default: what the topics' queries need
	Tags          []string          `yaml:"tags"`            // mastodon
	Languages     []string          `yaml:"languages"`       // bluesky: ISO 639-1
	Subreddits    []string          `yaml:"subreddits"`      // reddit
	Communities   []string          `yaml:"communities"`     // lemmy: name, or name@instance
	Channels      []string          `yaml:"channels"`        // youtube: IDs (UC…); telegram: names, none for all that the bot is in
	Apps          []string          `yaml:"apps"`            // appstore: numbers; playstore: packages
	Countries     []string          `yaml:"countries"`       // appstore: ISO 3166-1
	Folder        string            `yaml:"folder"`          // imap
	Retention     time.Duration     `yaml:"retention"`       // how long its network's mentions are kept, if shorter than all are
	FullText      bool              `yaml:"full_text"`       // feed, gdelt: read the articles that are linked, where robots.txt allows it
	AllowPrivate  bool              `yaml:"allow_private"`   // the source's own server, host and port of its address, may have a private address

	Token string `yaml:"-"` // what TokenFile or PasswordFile holds; cmd reads it
}

// Deps is what a source may use.
type Deps struct {
	Client *http.Client // safe: see NewClient
	Dial   Dial         // the same for what is not HTTP
	// private makes both for a source whose own server may have a private address; nil where Client and Dial do for
	// all.
	private func(c Config) (*http.Client, Dial)
	Topics  []brand.Topic
	Public  string                                                 // where others reach us, as https://host; "" where they do not
	Key     func(ctx context.Context, name string) ([]byte, error) // a secret that all processes share; nil where nothing is kept
	Wake    func()                                                 // makes the source be visited at once
	Now     func() time.Time
	Log     *slog.Logger
}

// kind is one sort of source: its own keys of Config, its pace, how it is made.
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

// NetworkOf is what the source's mentions have as their Source.
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

// Kinds returns the names of the sorts of sources with the keys that each may have beside kind, name and every.
func Kinds() map[string][]string {
	out := map[string][]string{}
	for name, k := range kinds {
		out[name] = k.keys
	}
	return out
}
