package x

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/query"
)

const (
	baseURL  = "https://api.x.com"
	maxQuery = 512 // characters; the limit of the smaller plans
	maxPosts = 100 // on a page
)

// Config is what the configuration says about X.
type Config struct {
	Token         string // of the app
	BaseURL       string // another server, for tests and gateways
	API           string // v2 or v1.1; "" is v2
	Mode          string // search or stream; "" is search
	ReadsPerMonth int    // posts that may be read in a month; 0 is no limit
	ReadsPerDay   int    // posts that may be read in a day; 0 is the month's limit, divided
}

// Deps is what the source may use. All fields are needed.
type Deps struct {
	// Do sends a request. A status other than 2xx is an error, a Refusal. No error contains an address.
	Do func(*http.Request) (*http.Response, error)
	// Decode reads a JSON document within the limits for answers.
	Decode func(doc []byte, into any) error
	// Check returns an error if a JSON document has more values than most, or values nested too deeply.
	Check  func(doc []byte, most int) error
	Topics []brand.Topic
	Now    func() time.Time
}

// Refusal is an error of Do for an answer without posts.
type Refusal interface {
	error
	Answer() (status int, detail string)
}

// Batch is posts with the cursor after them.
type Batch struct {
	Mentions []brand.Mention
	Bad      []Bad
	Cursor   string
	Note     string // for the operator
}

// Bad is an item that cannot be read.
type Bad struct {
	Item []byte
	Err  error
}

// Emit stores a batch, then its cursor. After nil both are stored.
type Emit func(ctx context.Context, b Batch) error

// Source reads posts. Listen reads the posts after the cursor and emits them. It returns nil after one visit; the
// stream returns an error when it ends. An error of emit is returned at once.
type Source interface {
	Listen(ctx context.Context, cursor string, emit Emit) error
}

// New makes the source.
func New(c Config, d Deps) (Source, error) {
	if c.Token == "" {
		return nil, errors.New("token_file is missing: a file with the app's bearer token")
	}
	api := client{deps: d, token: c.Token, base: strings.TrimSuffix(c.BaseURL, "/")}
	if api.base == "" {
		api.base = baseURL
	}
	queries, err := joinQueries(d.Topics)
	if err != nil {
		return nil, err
	}
	switch c.API {
	case "v1.1":
		return newV1(api, queries), nil
	case "", "v2":
	default:
		return nil, fmt.Errorf("api %q: want v2 or v1.1", c.API)
	}
	switch c.Mode {
	case "", "search", "stream":
	default:
		return nil, fmt.Errorf("mode %q: want search or stream", c.Mode)
	}
	perMonth := c.ReadsPerMonth
	if perMonth == 0 {
		perMonth = 31 * c.ReadsPerDay
	}
	switch {
	case perMonth > 0 && c.Mode == "stream":
		return nil, errors.New("mode stream reads all that fits, so it keeps no reads_per_month: use mode search, or set the limit at X")
	case perMonth > 0:
		return newBudget(api, d.Topics, perMonth, c.ReadsPerDay)
	case c.Mode == "stream":
		return &stream{search{api, queries}}, nil
	}
	return &search{api, queries}, nil
}

// joinQueries joins the topics' queries by OR into as few queries as X's limit allows.
func joinQueries(topics []brand.Topic) ([]string, error) {
	var out []string
	var errs []error
	for _, t := range topics {
		q, err := query.Parse(t.Query)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, err)
		}
		s, err := q.ForX()
		if err != nil {
			errs = append(errs, fmt.Errorf("topic %s: %w", t.Name, err))
			continue
		}
		if len(s) > maxQuery {
			errs = append(errs, fmt.Errorf("topic %s: its query for X has %d characters, X takes %d: shorten it", t.Name, len(s), maxQuery))
			continue
		}
		if n := len(out); n > 0 && len(out[n-1])+len(s)+8 <= maxQuery {
			out[n-1] += " OR (" + s + ")"
		} else {
			out = append(out, "("+s+")")
		}
	}
	if len(out) == 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}
