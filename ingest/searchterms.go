package ingest

import (
	"errors"
	"fmt"
	"slices"

	"brandmelder/brand"
	"brandmelder/query"
)

// searchTerms returns the words to search for at a service that knows no boolean queries: those of the configuration,
// or those that the topics' queries need.
func searchTerms(c Config, topics []brand.Topic) ([]string, error) {
	out := slices.Clone(c.Search)
	if len(out) > 0 {
		return out, nil
	}
	var errs []error
	for _, t := range topics {
		q, err := query.Parse(t.Query)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, err)
		}
		words, err := q.Search()
		if err != nil {
			errs = append(errs, fmt.Errorf("topic %s: %w", t.Name, err))
		}
		out = append(out, words...)
	}
	if len(out) == 0 {
		return nil, errors.Join(append(errs, errors.New("search is missing: the topics' queries have no words to search for"))...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
