// Command brandmelder reads social networks and news, warns before a communication crisis breaks, and calls the
// one person who speaks.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"brandmelder/alert/foreign"

	"github.com/spf13/cobra"
)

// version is set by the release build.
var version = "0.1.0-dev"

// Exit codes.
const (
	exitFailed = 1 // what was asked failed
	exitUsage  = 2 // wrong use
)

// errUsage is wrapped by errors of wrong use.
var errUsage = errors.New("wrong use")

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := root()
	cmd.SetContext(ctx)
	err := cmd.Execute()
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "brandmelder:", visible(err))
		return exitUsage
	}
	fmt.Fprintln(os.Stderr, "brandmelder:", visible(err))
	return exitFailed
}

// visible is an error's text without what would move a terminal's cursor, set its title or turn its lines around. An
// error may hold what a server said. Line breaks stay: several errors stand on several lines.
func visible(err error) string { return foreign.Text(err.Error(), 0) }

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "brandmelder",
		Short:         "Social listening and crisis early warning",
		Long:          "brandmelder listens to social networks and news, says when a topic has more or angrier voices than its past\nexplains, opens the crisis playbook that fits, and calls the one person who speaks.",
		Example:       "  brandmelder demo\n  brandmelder check config.yaml\n  brandmelder run --config config.yaml",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command %q; see brandmelder --help", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage("%v; see %s --help", err, c.CommandPath()) })
	cmd.AddCommand(runCommand(), demoCommand(), checkCommand(), replayCommand(), sentimentCommand(), relevanceCommand(), playbooksCommand(), channelCommand(), deadLettersCommand(), drillCommand(), benchCommand(), backtestCommand(), correctionsCommand(), sourceCommand(), forgetCommand(), userCommand(), tokenCommand(), auditCommand())
	return cmd
}

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
}

// exactly wants n arguments, named by what.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%s wants %s; see %s --help", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}
