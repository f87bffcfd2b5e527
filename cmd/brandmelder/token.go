package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"brandmelder/access"
	"brandmelder/store"

	"github.com/spf13/cobra"
)

// mostDays is how long an API token may be valid.
const mostDays = 3 * 365

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Manage the API tokens of programs",
		Long:  "Manages the API tokens, which programs send as: Authorization: Bearer TOKEN. What a scope allows: docs/roles.md.",
		Example: "  brandmelder token create shop --scopes push --config config.yaml\n" +
			"  brandmelder token list --config config.yaml\n  brandmelder token revoke shop --config config.yaml",
		Args: exactly(0, "create, list or revoke"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(tokenCreate(), tokenList(), tokenRevoke())
	return cmd
}

func tokenCreate() *cobra.Command {
	var scopes []string
	var person string
	var days int
	cmd := withConfig(&cobra.Command{
		Use: "create NAME", Short: "Make a token and print it; it is shown only once", Args: exactly(1, "a name"),
		Example: "  brandmelder token create prometheus --scopes metrics --config config.yaml > prometheus.token",
	}, func(c *cobra.Command, conf *config, st store.Store, args []string) error {
		if days < 1 || days > mostDays {
			return usage("--days %d: want 1 to %d", days, mostDays)
		}
		if len(scopes) == 0 {
			return usage("%s wants --scopes; there are %s", c.CommandPath(), list(access.Scopes))
		}
		if err := conf.hasPerson(person); err != nil {
			return err
		}
		secret, t, err := addToken(c.Context(), st, args[0], as[access.Scope](scopes), person, time.Duration(days)*24*time.Hour)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), secret)
		fmt.Fprintf(c.ErrOrStderr(), "token %s: %s, until %s; it is not shown again\n", t.Name, strings.Join(t.Scopes, ", "), stamp(t.Expires))
		return nil
	})
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "what the token allows: "+list(access.Scopes))
	cmd.Flags().StringVar(&person, "person", "", "id of the person of the people file for whom the program acts")
	cmd.Flags().IntVar(&days, "days", 365, "how long the token is valid")
	return cmd
}

func tokenList() *cobra.Command {
	var asJSON bool
	cmd := withConfig(&cobra.Command{
		Use: "list", Short: "Show the tokens, without their secrets", Args: exactly(0, "no arguments, but --config"),
		Example: "  brandmelder token list --config config.yaml --json",
	}, func(c *cobra.Command, _ *config, st store.Store, _ []string) error {
		ts, err := st.ListTokens(c.Context())
		if err != nil {
			return err
		}
		type line struct {
			Name    string    `json:"name"`
			Scopes  []string  `json:"scopes"`
			Person  string    `json:"person,omitempty"`
			Created time.Time `json:"created"`
			Expires time.Time `json:"expires"`
		}
		lines := []line{}
		for _, t := range ts {
			lines = append(lines, line{t.Name, t.Scopes, t.Person, t.Created, t.Expires})
		}
		if asJSON {
			return printJSON(c.OutOrStdout(), lines)
		}
		for _, l := range lines {
			until := "until " + stamp(l.Expires)
			if !time.Now().Before(l.Expires) {
				until = "expired " + stamp(l.Expires)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s  %s  %s%s\n", l.Name, until, strings.Join(l.Scopes, ", "), personOf(l.Person))
		}
		fmt.Fprintf(c.OutOrStdout(), "%s\n", count(len(ts), "token"))
		return nil
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON value")
	return cmd
}

func tokenRevoke() *cobra.Command {
	return withConfig(&cobra.Command{
		Use: "revoke NAME", Short: "Revoke a token; its next request is refused", Args: exactly(1, "a name"),
		Example: "  brandmelder token revoke shop --config config.yaml",
	}, func(c *cobra.Command, _ *config, st store.Store, args []string) error {
		if err := st.RemoveToken(c.Context(), args[0]); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "revoked token %s\n", args[0])
		return nil
	})
}

// addToken keeps a new API token and returns its secret.
func addToken(ctx context.Context, st store.Tokens, name string, scopes []access.Scope, person string, life time.Duration) (string, store.Token, error) {
	now := time.Now()
	secret, t, err := access.NewToken(name, scopes, person, now, now.Add(life))
	if err != nil {
		return "", t, err
	}
	err = st.AddToken(ctx, t)
	if errors.Is(err, store.ErrConflict) {
		err = fmt.Errorf("token %s: there is one already; revoke it first, or choose another name", name)
	}
	return secret, t, err
}
