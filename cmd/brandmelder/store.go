package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"brandmelder/store"
	"brandmelder/store/redisstore"
	"brandmelder/store/sqlite"

	"github.com/spf13/cobra"
)

// openStore opens the store of a configuration.
func openStore(ctx context.Context, address string) (store.Store, error) {
	if name, ok := strings.CutPrefix(address, "file:"); ok {
		return sqlite.Open(ctx, name)
	}
	return redisstore.Open(ctx, address)
}

// openBeside opens the store for a command that reads or writes a little while the daemon runs.
func openBeside(ctx context.Context, address string) (store.Store, error) {
	if name, ok := strings.CutPrefix(address, "file:"); ok {
		return sqlite.OpenBeside(ctx, name)
	}
	return redisstore.Open(ctx, address)
}

// withConfig adds --config to a command. run gets the configuration and its store.
func withConfig(cmd *cobra.Command, run func(c *cobra.Command, conf *config, st store.Store, args []string) error) *cobra.Command {
	var path string
	cmd.Flags().StringVar(&path, "config", "", "configuration file")
	cmd.RunE = func(c *cobra.Command, args []string) error {
		if path == "" {
			return usage("%s wants --config FILE", c.CommandPath())
		}
		conf, err := loadConfig(path)
		if err != nil {
			return err
		}
		st, err := openBeside(c.Context(), conf.Store)
		if err != nil {
			return err
		}
		defer st.Close()
		return run(c, conf, st, args)
	}
	return cmd
}

// holder names this process in leases.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}
