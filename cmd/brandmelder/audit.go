package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"brandmelder/alert"
	"brandmelder/incident"
	"brandmelder/store"

	"github.com/spf13/cobra"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check and show what people and the program did in incidents",
		Long: "Each incident is a list of events, and each event has a hash over itself and all before it. A changed, a missing\n" +
			"and a moved event break the chain. Both commands read what is stored and repair nothing. Who can write the store\n" +
			"can also write a new chain: keep the heads that `audit verify --json` prints elsewhere, to notice that too.",
		Example: "  brandmelder audit verify --config config.yaml\n  brandmelder audit show 1f2e3d4c5b6a7980 --config config.yaml",
		Args:    exactly(0, "verify or show"),
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(auditVerify(), auditShow())
	return cmd
}

// audited is what audit verify found out of all incidents.
type audited struct {
	Incidents []auditedIncident `json:"incidents"`
	Events    int               `json:"events"`
	Broken    int               `json:"broken"`
}

// auditedIncident is what audit verify found out of one.
type auditedIncident struct {
	ID      string `json:"id"`
	Events  int    `json:"events"`
	Head    string `json:"head,omitempty"`  // the hash of the last event
	Event   int    `json:"event,omitempty"` // the first that is broken
	Problem string `json:"problem,omitempty"`
}

func auditVerify() *cobra.Command {
	var asJSON bool
	cmd := withConfig(&cobra.Command{
		Use: "verify [ID…]", Short: "Check the events of all incidents, or of those named",
		Long: "Names the first event of each incident that was changed, is missing or was moved. The exit code is 1 if there is\n" +
			"one. It runs beside the daemon.",
		Example: "  brandmelder audit verify --config config.yaml\n  brandmelder audit verify --config config.yaml --json > heads.json",
		Args:    cobra.ArbitraryArgs,
	}, func(c *cobra.Command, _ *config, st store.Store, args []string) error {
		found, err := verifyIncidents(c.Context(), st, args)
		if err != nil {
			return err
		}
		if asJSON {
			err = printJSON(c.OutOrStdout(), found)
		} else {
			printAudit(c.OutOrStdout(), found)
		}
		if err == nil && found.Broken > 0 {
			err = fmt.Errorf("%s of %d broken", count(found.Broken, "incident"), len(found.Incidents))
		}
		return err
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	return cmd
}

func printAudit(w io.Writer, found audited) {
	for _, in := range found.Incidents {
		if in.Problem != "" {
			fmt.Fprintln(w, oneLine(in.Problem, 300))
		}
	}
	if found.Broken == 0 {
		fmt.Fprintf(w, "%s of %s are as they were written\n", count(found.Events, "event"), count(len(found.Incidents), "incident"))
	}
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// verifyIncidents checks the incidents of these IDs, all for none.
func verifyIncidents(ctx context.Context, st store.Audit, ids []string) (found audited, err error) {
	found.Incidents = []auditedIncident{}
	all := len(ids) == 0
	if all {
		if ids, err = st.StoredIDs(ctx); err != nil {
			return found, err
		}
	}
	for _, id := range ids {
		in, err := st.StoredIncident(ctx, id)
		if all && errors.Is(err, store.ErrNotFound) {
			now, err := st.StoredIDs(ctx)
			if err != nil {
				return found, err
			}
			if !slices.Contains(now, id) { // it was deleted for its age meanwhile
				continue
			}
		} else if err != nil {
			return found, err
		}
		one, err := verifyIncident(&in)
		if err != nil {
			return found, err
		}
		found.Incidents = append(found.Incidents, one)
		found.Events += one.Events
		if one.Problem != "" {
			found.Broken++
		}
	}
	return found, nil
}

func verifyIncident(in *store.StoredIncident) (auditedIncident, error) {
	one := auditedIncident{ID: in.ID, Events: len(in.Events)}
	if records, _ := in.Records(); len(records) > 0 {
		one.Head = records[len(records)-1].Hash
	}
	err := in.Verify()
	var broken *incident.ChainError
	if errors.As(err, &broken) {
		one.Event, one.Problem = broken.Event, broken.Error()
		return one, nil
	}
	return one, err
}

func auditShow() *cobra.Command {
	var asJSON bool
	cmd := withConfig(&cobra.Command{
		Use: "show ID", Short: "Show the events of an incident, the oldest first", Args: exactly(1, "the ID of an incident"),
		Long: "Shows what people and the program did, in plain English. What cannot be read is said, and the exit code is 1 then,\n" +
			"or if an event is broken. --json prints the records as they are stored.",
		Example: "  brandmelder audit show 1f2e3d4c5b6a7980 --config config.yaml",
	}, func(c *cobra.Command, conf *config, st store.Store, args []string) error {
		in, err := st.StoredIncident(c.Context(), args[0])
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("%w; `brandmelder audit verify --json` lists the incidents", err)
		}
		if err != nil {
			return err
		}
		if asJSON {
			err = printJSON(c.OutOrStdout(), storedRecords(&in))
		} else {
			showEvents(c.OutOrStdout(), conf.desk(), &in, conf.location)
		}
		return errors.Join(err, in.Verify())
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	return cmd
}

// storedRecords are the events as they are stored; one that is no JSON is a text.
func storedRecords(in *store.StoredIncident) []any {
	out := []any{}
	for _, doc := range in.Events {
		if json.Valid(doc) {
			out = append(out, json.RawMessage(doc))
		} else {
			out = append(out, string(doc))
		}
	}
	return out
}

func showEvents(w io.Writer, desk *alert.Desk, in *store.StoredIncident, loc *time.Location) {
	records, err := in.Records()
	words := desk.In("en")
	state := incident.Fold(whole(in.ID, records))
	line := func(number string, r incident.Record) {
		text := words.Event(&state, r)
		if e, ok := r.Event.(incident.SpikeChanged); ok {
			text = fmt.Sprintf("a new report of %s: level %d", e.Spike.Topic, e.Spike.Level)
		}
		fmt.Fprintf(w, "%4s  %s  %s: %s\n", number, r.At.In(loc).Format("2006-01-02 15:04:05"), oneLine(words.Person(r.By.ID)+via(r.By), 100), oneLine(text, 500))
	}
	for _, r := range records {
		if e, ok := r.Event.(incident.Imported); ok {
			for _, old := range e.History {
				line("", old)
			}
		}
		line(fmt.Sprint(r.Seq), r)
	}
	if err != nil {
		fmt.Fprintf(w, "%4d  cannot be read; %d more behind it are not shown\n", len(records)+1, len(in.Events)-len(records)-1)
	}
}

// whole are the records before the first that is broken.
func whole(id string, records []incident.Record) []incident.Record {
	var broken *incident.ChainError
	if errors.As(incident.Verify(id, records, nil), &broken) {
		return records[:broken.Event-1]
	}
	return records
}

// via is how somebody had signed in.
func via(a incident.Actor) string {
	if a.Via == "" {
		return ""
	}
	return " (" + a.Via + ")"
}
