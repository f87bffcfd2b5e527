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
	socketAlive = 30 * time.Second // between two questions whether the other side still lives
	socketLine  = 1 << 20          // bytes of the largest message
)

// socket opens a WebSocket and gives each of its messages to hear, until it ends, the other side is dead for socketAlive, or hear has an error. opened, if
// there is one, runs before the first message is read; what comes meanwhile waits.
func socket(ctx context.Context, s *service, url string, opened func(context.Context, *websocket.Conn) error, receive func(context.Context, []byte) error) error {
	dial, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	c, res, err := websocket.Dial(dial, url, &websocket.DialOptions{HTTPClient: s.deps.Client, HTTPHeader: s.header}) //nolint:bodyclose // the library closes it, but for the first bytes of a refusal, which it keeps
	cancel()
	if err != nil {
		if res != nil && res.StatusCode != http.StatusSwitchingProtocols && res.Body != nil {
			text, _ := io.ReadAll(io.LimitReader(res.Body, 4000)) // what is cut says less
			return refusal(s.name, s.advice, res, text, s.deps.Now())
		}
		return fmt.Errorf("open the stream of %s: %w", s.name, redact(err))
	}
	defer func() { _ = c.CloseNow() }() // it says that it is closed already
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
