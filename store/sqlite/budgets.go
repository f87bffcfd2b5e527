package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"brandmelder/store"
)

// Spend reserves expenses.
func (s *Store) Spend(ctx context.Context, es ...store.Expense) (over string, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		old := time.Now().Add(-store.KeepBudget).UnixMilli()
		if _, err := tx.ExecContext(ctx, `DELETE FROM budgets WHERE at < ?`, old); err != nil {
			return err
		}
		for _, e := range es {
			spent, err := spend(ctx, tx, e)
			if err != nil {
				return err
			}
			if e.Limit > 0 && spent > e.Limit {
				over = e.Budget
				return errOver // rolls back what was reserved before
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errOver):
		return over, nil
	case err != nil:
		return "", fmt.Errorf("spend from budgets: %w", err)
	}
	return "", nil
}

var errOver = errors.New("beyond the limit")

// Settle corrects what was spent.
func (s *Store) Settle(ctx context.Context, es ...store.Expense) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		for _, e := range es {
			if _, err := spend(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle budgets: %w", err)
	}
	return nil
}

// spend adds an amount and returns what is spent with it.
func spend(ctx context.Context, tx *sql.Tx, e store.Expense) (spent float64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO budgets (name, period, spent, at) VALUES (?1, ?2, MAX(?3, 0), ?4)
		ON CONFLICT (name, period) DO UPDATE SET spent = MAX(spent + ?3, 0), at = ?4 RETURNING spent`,
		e.Budget, e.Period, e.Amount, time.Now().UnixMilli()).Scan(&spent)
	return spent, err
}

// Spent reads a budget.
func (s *Store) Spent(ctx context.Context, budget, period string) (spent float64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT spent FROM budgets WHERE name = ? AND period = ?`, budget, period).Scan(&spent)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return spent, err
}
