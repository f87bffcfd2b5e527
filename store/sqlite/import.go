package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"brandmelder/incident"
	"brandmelder/store"
)

// importIncidents turns the incidents and calls that an older version stored into today's. What cannot be read becomes
// a dead letter.
func importIncidents(ctx context.Context, tx *sql.Tx) error {
	cases, err := documents(ctx, tx, `SELECT id, doc, '' FROM incidents_1`)
	if err != nil {
		return err
	}
	states := map[string]*incident.State{}
	for _, d := range cases {
		c, err := store.ImportIncident(d.id, d.doc)
		if err != nil {
			err = bury(ctx, tx, store.Unreadable("incident", d.id, d.doc, err, time.Now()))
		} else if err = putState(ctx, tx, &c.State); err == nil {
			states[d.id] = &c.State
			err = putParts(ctx, tx, &c)
		}
		if err != nil {
			return fmt.Errorf("incident %s of the older version: %w", d.id, err)
		}
	}
	return importCalls(ctx, tx, states)
}

func importCalls(ctx context.Context, tx *sql.Tx, states map[string]*incident.State) error {
	calls, err := documents(ctx, tx, `SELECT id, doc, incident FROM calls`)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM calls; DROP TABLE incidents_1`); err != nil {
		return err
	}
	for _, d := range calls {
		c, err := store.ImportCall(d.id, d.doc, states[d.incident])
		if err != nil {
			err = bury(ctx, tx, store.Unreadable("call", d.id, d.doc, err, time.Now()))
		} else {
			err = putCall(ctx, tx, c, `INSERT`)
		}
		if err != nil {
			return fmt.Errorf("call %s of the older version: %w", d.id, err)
		}
	}
	return nil
}

type document struct {
	id, incident string
	doc          []byte
}

func documents(ctx context.Context, tx *sql.Tx, query string) (out []document, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, incident any
		var d document
		if err := rows.Scan(&id, &d.doc, &incident); err != nil {
			return nil, err
		}
		d.id, d.incident = fmt.Sprint(id), fmt.Sprint(incident)
		out = append(out, d)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}
