package main

import (
	"context"
	"github.com/spf13/cobra"
	"io"
)

func tellDemo(ctx context.Context, w io.Writer, opt demoOptions) error { return nil }
func playbooksCommand() *cobra.Command                                 { return &cobra.Command{Use: "playbooks"} }
func channelCommand() *cobra.Command                                   { return &cobra.Command{Use: "channel"} }
func deadLettersCommand() *cobra.Command                               { return &cobra.Command{Use: "dead-letters"} }
