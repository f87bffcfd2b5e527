package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"brandmelder/brand"
	"brandmelder/store"

	"golang.org/x/time/rate"
)

// Options configure a Listener.
type Options struct {
	Holder  string
	Lease   time.Duration
	Log     *slog.Logger
	Metrics *Metrics
	Now     func() time.Time // nil means time.Now
	Authors *Authors         // accounts with a standing; nil for none
	Public  string           // the address at which others reach this process, as https://host; or ""
	Contact string           // of the operator, for the User-Agent
}

// Listener is all sources of a configuration.
type Listener struct {
	st      Store
	opt     Options
	sources []*runningSource

	hooks hooks
}

type runningSource struct {
	conf   Config
	every  time.Duration
	source Source
	failed int           // emits in a row that the store refused
	cursor string        // the last one that was saved
	bad    badCount      // of the last hour
	wake   chan struct{} // starts a visit at once

	mu     sync.Mutex
	status sourceStatus
}

// New makes the sources. The error joins those of all sources, each a ConfigError.
func New(st Store, confs []Config, topics []brand.Topic, opt Options) (*Listener, error) {
	p := newPolite(opt.Contact)
	deps := Deps{Client: p.client(nil), Dial: NewDial(nil), Topics: topics}
	deps.private = func(c Config) (*http.Client, Dial) {
		allow := privateOf(c)
		return p.client(allow), NewDial(allow)
	}
	return assemble(st, confs, deps, opt)
}

// privateOf returns the host and port that may be private for this source alone.
func privateOf(c Config) map[string]bool {
	if !c.AllowPrivate {
		return nil
	}
	if c.BaseURL != "" {
		return Private(c.BaseURL)
	}
	return Private(c.URL)
}

// assemble is New with other dependencies, for tests.
func assemble(st Store, confs []Config, deps Deps, opt Options) (*Listener, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Metrics == nil {
		opt.Metrics = &Metrics{}
	}
	if opt.Lease == 0 {
		opt.Lease = 15 * time.Second
	}
	deps.Now, deps.Log, deps.Public = opt.Now, opt.Log, opt.Public
	if st != nil {
		deps.Key = st.Key
	}
	l := &Listener{st: st, opt: opt, hooks: hooks{logged: rate.Sometimes{First: 3, Interval: 10 * time.Second}}}
	var errs []error
	for i, c := range confs {
		k, ok := kinds[c.Kind]
		if !ok {
			errs = append(errs, &ConfigError{i, fmt.Errorf("no source of kind %q", c.Kind)})
			continue
		}
		c.Name = NameOf(c)
		wake := make(chan struct{}, 1)
		deps.Wake = func() {
			select {
			case wake <- struct{}{}:
			default: // a visit is due already
			}
		}
		own := deps
		if c.AllowPrivate && deps.private != nil {
			own.Client, own.Dial = deps.private(c)
		}
		s, err := k.make(c, own)
		if err != nil {
			errs = append(errs, &ConfigError{i, err})
			continue
		}
		every := c.Every
		if every == 0 {
			every = k.every
		}
		l.sources = append(l.sources, &runningSource{
			conf: c, every: every, source: s, wake: wake,
			status: sourceStatus{SourceStatus: store.SourceStatus{Name: c.Name, Kind: c.Kind, State: "waiting", Every: every.String()}},
		})
	}
	return l, errors.Join(errs...)
}

// ConfigError is an error in the source at Index of the configuration.
type ConfigError struct {
	Index int
	Err   error
}

func (e *ConfigError) Error() string { return fmt.Sprintf("sources[%d]: %v", e.Index, e.Err) }
func (e *ConfigError) Unwrap() error { return e.Err }

// NameOf returns the name of a source: its own, or the host and path of its URL, or its kind.
func NameOf(c Config) string {
	if c.Name != "" {
		return c.Name
	}
	if u, err := url.Parse(c.URL); err == nil && u.Host != "" {
		return u.Host + u.Path
	}
	return c.Kind
}
