package ingest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	socketAlive = 30 * time.Second // between two pings
	socketLine  = 1 << 20          // bytes of the largest message
)

// socket opens a WebSocket and passes each message to receive, until the connection ends, a ping is not answered
// within socketAlive, or receive returns an error. opened, unless nil, runs before the first message is read;
// messages that arrive meanwhile wait.
func socket(ctx context.Context, s *service, url string, opened func(context.Context, *websocket.Conn) error, receive func(context.Context, []byte) error) error {
	dial, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	opt := &websocket.DialOptions{HTTPClient: s.deps.Client, HTTPHeader: s.header}
	c, res, err := websocket.Dial(dial, url, opt) //nolint:bodyclose // the library closes it
	cancel()
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols && res.Body != nil {
			text, _ := io.ReadAll(io.LimitReader(res.Body, 4000))
			return refusal(s.name, s.advice, res, text, s.deps.Now())
		}
		return fmt.Errorf("open the stream of %s: %w", s.name, redact(err))
	}
	defer func() { _ = c.CloseNow() }() // the error is that it is closed already
	c.SetReadLimit(socketLine)
	if opened != nil {
		if err := opened(ctx, c); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop(nil)
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(socketAlive):
			}
			ping, cancel := context.WithTimeout(ctx, socketAlive)
			err := c.Ping(ping)
			cancel()
			if err != nil {
				stop(fmt.Errorf("the stream of %s is dead: %w", s.name, err))
				return
			}
		}
	})
	for {
		_, line, err := c.Read(ctx)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return fmt.Errorf("the stream of %s ended: %w", s.name, err)
		}
		if err := receive(ctx, line); err != nil {
			return err
		}
	}
}
