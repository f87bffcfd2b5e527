package ingest

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

// Batch compliance (https://docs.x.com/x-api/compliance/batch-compliance): IDs are given to X in a file, and some minutes later a file says which posts are to be
// removed. It is not billed by the post; not every plan has it.

const (
	xComplianceWait = time.Hour
	xComplianceMost = 500_000 // IDs of one job
	xIDs            = "x:"
)

// xComplianceJob is what X says of a job.
type xComplianceJob struct {
	Data struct {
		ID       string `json:"id"`
		Upload   string `json:"upload_url"`
		Download string `json:"download_url"`
		Status   string `json:"status"` // created, in_progress, failed, complete, expired
	} `json:"data"`
}

// Withdrawn says which of the mentions are no longer there.
func (s *x) Withdrawn(ctx context.Context, ids []string) (gone []string, err error) {
	var list bytes.Buffer
	n := 0
	for _, id := range ids {
		if number, ok := strings.CutPrefix(id, xIDs); ok && strings.Trim(number, "0123456789") == "" && n < xComplianceMost {
			list.WriteString(number + "\n")
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, xComplianceWait)
	defer cancel()
	var job xComplianceJob
	res, err := s.request(ctx, http.MethodPost, "/2/compliance/jobs", strings.NewReader(`{"type":"tweets","name":"brandmelder"}`))
	if err != nil {
		return nil, fmt.Errorf("begin a compliance job: %w", err)
	}
	err = decodeAll(res.Body, &job)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("begin a compliance job: %w", err)
	}
	body, err := s.elsewhere(ctx, http.MethodPut, job.Data.Upload, &list)
	if err != nil {
		return nil, fmt.Errorf("give the IDs to a compliance job: %w", err)
	}
	if err := body.Close(); err != nil {
		return nil, err
	}
	for pause := 5 * time.Second; job.Data.Status != "complete"; pause = min(2*pause, 5*time.Minute) {
		if job.Data.Status == "failed" || job.Data.Status == "expired" {
			return nil, fmt.Errorf("the compliance job is %s", job.Data.Status)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
		download := job.Data.Download
		if err := s.get(ctx, "/2/compliance/jobs/"+job.Data.ID, &job); err != nil {
			return nil, fmt.Errorf("ask for a compliance job: %w", err)
		}
		if job.Data.Download == "" {
			job.Data.Download = download
		}
	}
	if body, err = s.elsewhere(ctx, http.MethodGet, job.Data.Download, nil); err != nil {
		return nil, fmt.Errorf("read what a compliance job found: %w", err)
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		var found struct {
			ID     string `json:"id"`
			Action string `json:"action"` // delete, or scrub_geo
		}
		if json.Unmarshal(lines.Bytes(), &found) == nil && found.Action == "delete" && found.ID != "" {
			gone = append(gone, xIDs+found.ID)
		}
	}
	return gone, lines.Err()
}

// elsewhere asks an address that X gave, which is signed: it takes no token, and is not shown.
func (s *x) elsewhere(ctx context.Context, method, address string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, errors.New("X gave an address that is none")
	}
	if body != nil {
		req.Header.Set("Content-Type", "text/plain")
	}
	res, err := s.deps.Client.Do(req)
	if err != nil {
		return nil, redact(err)
	}
	if res.StatusCode/100 != 2 {
		return nil, errors.Join(answered(res), res.Body.Close())
	}
	return res.Body, nil
}
