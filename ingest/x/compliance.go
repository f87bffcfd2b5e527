package x

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	maxWait = time.Hour // for a compliance job
	maxIDs  = 500_000   // of one job
)

// job is X's answer about a compliance job.
type job struct {
	Data struct {
		ID       string `json:"id"`
		Upload   string `json:"upload_url"`
		Download string `json:"download_url"`
		Status   string `json:"status"` // created, in_progress, failed, complete, expired
	} `json:"data"`
}

// Withdrawn returns those of the mentions that do not exist at X any more. It runs a batch compliance job
// (https://docs.x.com/x-api/compliance/batch-compliance): X gets a file of IDs, and some minutes later offers a file
// of the posts to remove. A job is not billed by the post. Some plans do not include it.
func (c *client) Withdrawn(ctx context.Context, ids []string) (gone []string, err error) {
	list, n := numbers(ids)
	if n == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	j, err := c.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a compliance job: %w", err)
	}
	body, err := c.signed(ctx, http.MethodPut, j.Data.Upload, list)
	if err == nil {
		err = body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("send the IDs of a compliance job: %w", err)
	}
	if err := c.wait(ctx, j); err != nil {
		return nil, err
	}
	if body, err = c.signed(ctx, http.MethodGet, j.Data.Download, nil); err != nil {
		return nil, fmt.Errorf("read the result of a compliance job: %w", err)
	}
	defer body.Close()
	return deleted(body)
}

// numbers returns the numbers of the mentions that are from X, one a line, and how many there are.
func numbers(ids []string) (list *bytes.Buffer, n int) {
	list = &bytes.Buffer{}
	for _, id := range ids {
		if number, ok := strings.CutPrefix(id, idPrefix); ok && strings.Trim(number, "0123456789") == "" && n < maxIDs {
			list.WriteString(number + "\n")
			n++
		}
	}
	return list, n
}

func (c *client) begin(ctx context.Context) (*job, error) {
	res, err := c.request(ctx, http.MethodPost, "/2/compliance/jobs", strings.NewReader(`{"type":"tweets","name":"brandmelder"}`))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var j job
	return &j, c.decode(res.Body, &j)
}

// wait asks for the job until it is complete.
func (c *client) wait(ctx context.Context, j *job) error {
	for pause := 5 * time.Second; j.Data.Status != "complete"; pause = min(2*pause, 5*time.Minute) {
		if j.Data.Status == "failed" || j.Data.Status == "expired" {
			return fmt.Errorf("the compliance job is %s", j.Data.Status)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		download := j.Data.Download
		if err := c.get(ctx, "/2/compliance/jobs/"+j.Data.ID, nil, j); err != nil {
			return fmt.Errorf("ask for a compliance job: %w", err)
		}
		if j.Data.Download == "" {
			j.Data.Download = download
		}
	}
	return nil
}

// deleted reads the result of a job. Lines with other actions than delete do not concern mentions.
func deleted(result io.Reader) (gone []string, err error) {
	lines := bufio.NewScanner(result)
	for lines.Scan() {
		var found struct {
			ID     string `json:"id"`
			Action string `json:"action"` // delete, or scrub_geo
		}
		if json.Unmarshal(lines.Bytes(), &found) == nil && found.Action == "delete" && found.ID != "" {
			gone = append(gone, idPrefix+found.ID)
		}
	}
	return gone, lines.Err()
}

// signed sends a request to an address that X signed. The address itself is the secret: the request has no token.
func (c *client) signed(ctx context.Context, method, address string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, errors.New("X sent an address that is none")
	}
	if body != nil {
		req.Header.Set("Content-Type", "text/plain")
	}
	res, err := c.deps.Do(req)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}
