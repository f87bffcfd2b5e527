package x

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"brandmelder/brand"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type (
	obj = map[string]any
	arr = []any
)

// refused is what Do returns here for a status other than 2xx.
type refused struct {
	status int
	body   string
}

func (e *refused) Error() string         { return fmt.Sprintf("X answered %d %s", e.status, e.body) }
func (e *refused) Answer() (int, string) { return e.status, e.body }

// depsOf is what the sources of these tests use.
func depsOf(c *http.Client, now func() time.Time, topics ...brand.Topic) Deps {
	return Deps{
		Do: func(req *http.Request) (*http.Response, error) {
			res, err := c.Do(req)
			if err != nil || res.StatusCode/100 == 2 {
				return res, err
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			return nil, &refused{res.StatusCode, string(body)}
		},
		Decode: json.Unmarshal,
		Check:  func([]byte, int) error { return nil },
		Topics: topics, Now: now,
	}
}

// listen visits once and returns what the source emitted.
func listen(t *testing.T, s Source, cursor string) (ms []brand.Mention, next string, err error) {
	t.Helper()
	next = cursor
	err = s.Listen(t.Context(), cursor, func(_ context.Context, b Batch) error {
		ms, next = append(ms, b.Mentions...), b.Cursor
		return nil
	})
	return ms, next, err
}
