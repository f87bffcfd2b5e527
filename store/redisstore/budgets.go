package redisstore

import (
	"context"
	"errors"
	"fmt"

	"brandmelder/store"

	"github.com/redis/go-redis/v9"
)

// spendScript: KEYS budgets; ARGV seconds to keep them, then amount and limit of each. It returns the number of the
// first budget whose limit would be exceeded, 0 when all is spent. A limit of 0 is none.
var spendScript = redis.NewScript(`
local spent = {}
for i, key in ipairs(KEYS) do
	spent[key] = (spent[key] or tonumber(redis.call('GET', key) or '0')) + ARGV[2*i]
	if tonumber(ARGV[2*i+1]) > 0 and spent[key] > tonumber(ARGV[2*i+1]) then return i end
end
for key, sum in pairs(spent) do redis.call('SET', key, string.format('%.17g', math.max(sum, 0)), 'EX', ARGV[1]) end
return 0`)

func (s *Store) budget(name, period string) string { return s.key("budget", name, period) }

// spend runs the script.
func (s *Store) spend(ctx context.Context, limited bool, es []store.Expense) (over string, err error) {
	keys, types, args := make([]string, len(es)), map[string]string{}, []any{int(store.KeepBudget.Seconds())}
	for i, e := range es {
		if !limited {
			e.Limit = 0
		}
		keys[i] = s.budget(e.Budget, e.Period)
		types[keys[i]] = "string"
		args = append(args, e.Amount, e.Limit)
	}
	n, err := spendScript.Run(ctx, s.c, keys, args...).Int()
	if err != nil || n == 0 {
		return "", s.mend(ctx, err, types)
	}
	return es[n-1].Budget, nil
}

// Spend reserves expenses.
func (s *Store) Spend(ctx context.Context, es ...store.Expense) (over string, err error) {
	if over, err = s.spend(ctx, true, es); err != nil {
		return "", fmt.Errorf("spend from budgets: %w", err)
	}
	return over, nil
}

// Settle corrects what was spent.
func (s *Store) Settle(ctx context.Context, es ...store.Expense) error {
	if _, err := s.spend(ctx, false, es); err != nil {
		return fmt.Errorf("settle budgets: %w", err)
	}
	return nil
}

// Spent reads a budget.
func (s *Store) Spent(ctx context.Context, budget, period string) (float64, error) {
	key := s.budget(budget, period)
	spent, err := s.c.Get(ctx, key).Float64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return spent, s.mend(ctx, err, map[string]string{key: "string"})
}
