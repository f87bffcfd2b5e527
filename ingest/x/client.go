package x

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const timeout = 30 * time.Second

// client sends requests to X with the app's token.
type client struct {
	deps  Deps
	token string
	base  string
}

// errTooOld says that X does not have what lies behind a cursor any more.
var errTooOld = errors.New("X does not remember this far back")

func (c *client) request(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.deps.Do(req)
	if err != nil {
		return nil, tooOld(err)
	}
	return res, nil
}

// tooOld returns errTooOld for the refusals of a cursor that is older than X's memory, other errors as they are.
// https://docs.x.com/x-api/fundamentals/response-codes-and-errors has their form.
func tooOld(err error) error {
	var no Refusal
	if !errors.As(err, &no) {
		return err
	}
	status, detail := no.Answer()
	if status != http.StatusBadRequest {
		return err
	}
	for _, parameter := range []string{"since_id", "next_token", "start_time"} {
		if strings.Contains(detail, parameter) {
			return fmt.Errorf("%w: %w", errTooOld, err)
		}
	}
	return err
}

// get reads the JSON answer of a path.
func (c *client) get(ctx context.Context, path string, query url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	res, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return c.decode(res.Body, into)
}

// decode reads the JSON document of an answer.
func (c *client) decode(body io.Reader, into any) error {
	doc, err := io.ReadAll(body)
	if err == nil {
		err = c.deps.Decode(doc, into)
	}
	if err != nil {
		return fmt.Errorf("read X's answer: %w", err)
	}
	return nil
}

// gaveNothing reports whether X answered without posts. It bills nothing then.
func gaveNothing(err error) bool {
	var no Refusal
	return errors.As(err, &no)
}
