package x

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// tag marks the rules of the stream that brandmelder made.
const tag = "brandmelder"

// rule is a rule of the filtered stream.
type rule struct {
	ID    string `json:"id,omitempty"`
	Value string `json:"value"`
	Tag   string `json:"tag,omitempty"`
}

const rulesPath = "/2/tweets/search/stream/rules"

// syncRules makes the stream's rules equal to the queries. Rules with another tag belong to others and stay.
func (s *stream) syncRules(ctx context.Context) error {
	var have struct {
		Data []rule `json:"data"`
	}
	if err := s.get(ctx, rulesPath, nil, &have); err != nil {
		return err
	}
	missing := map[string]bool{}
	for _, q := range s.queries {
		missing[q] = true
	}
	var outdated []string
	for _, r := range have.Data {
		if missing[r.Value] {
			delete(missing, r.Value)
		} else if r.Tag == tag {
			outdated = append(outdated, r.ID)
		}
	}
	if len(outdated) > 0 {
		if err := s.changeRules(ctx, map[string]any{"delete": map[string]any{"ids": outdated}}); err != nil {
			return err
		}
	}
	var add []rule
	for _, q := range s.queries {
		if missing[q] {
			add = append(add, rule{Value: q, Tag: tag})
		}
	}
	if len(add) > 0 {
		return s.changeRules(ctx, map[string]any{"add": add})
	}
	return nil
}

func (s *stream) changeRules(ctx context.Context, change any) error {
	doc, err := json.Marshal(change)
	if err != nil {
		return err
	}
	res, err := s.request(ctx, http.MethodPost, rulesPath, bytes.NewReader(doc))
	if err != nil {
		return fmt.Errorf("change the rules of X's stream: %w", err)
	}
	return res.Body.Close()
}
