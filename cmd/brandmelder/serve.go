package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"brandmelder/access"
	"brandmelder/alert"
	"brandmelder/alert/assist"
	"brandmelder/alert/notify"
	"brandmelder/brand"
	"brandmelder/detect"
	"brandmelder/ingest"
	"brandmelder/store"
	"brandmelder/web"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
)

var allRoles = []string{"ingest", "detect", "alert", "web"}

func runCommand() *cobra.Command {
	var confPath, level, listen string
	roles := slices.Clone(allRoles)
	cmd := &cobra.Command{
		Use:     "run",
		Short:   "Listen, judge, and call: the daemon",
		Long:    "Runs until it is stopped. With --roles the work is split over processes that share a Redis; each role may run several times.",
		Example: "  brandmelder run --config config.yaml\n  brandmelder run --config config.yaml --roles ingest,detect",
		Args:    exactly(0, "no arguments, but --config"),
		RunE: func(c *cobra.Command, _ []string) error {
			if confPath == "" {
				return usage("run wants --config FILE; config.example.yaml shows one")
			}
			for _, r := range roles {
				if !slices.Contains(allRoles, r) {
					return usage("--roles: there is no role %q; there are %s", r, strings.Join(allRoles, ", "))
				}
			}
			var lv slog.Level
			if err := lv.UnmarshalText([]byte(level)); err != nil {
				return usage("--log %q: want debug, info, warn or error", level)
			}
			conf, err := loadConfig(confPath)
			if err != nil {
				return err
			}
			if listen != "" {
				if _, _, err := net.SplitHostPort(listen); err != nil {
					return usage("--listen %s: want host:port, such as 127.0.0.1:8080", listen)
				}
				conf.Web.Listen = listen
			}
			log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: lv}))
			return serve(c.Context(), conf, roles, c.OutOrStdout(), log)
		},
	}
	cmd.Flags().StringVar(&confPath, "config", "", "configuration file")
	cmd.Flags().StringVar(&level, "log", "info", "debug, info, warn or error")
	cmd.Flags().StringVar(&listen, "listen", "", "address of this process instead of web.listen; without the role web it serves /metrics, /healthz and /readyz alone")
	cmd.Flags().StringSliceVar(&roles, "roles", roles, "what this process does")
	return cmd
}

// serve joins the packages and runs them until the context ends. out gets the one-time link, which no log may hold.
func serve(ctx context.Context, conf *config, roles []string, out io.Writer, log *slog.Logger) error {
	st, err := openStore(ctx, conf.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	who := holder()
	key, err := st.Key(ctx, "links")
	if err != nil {
		return fmt.Errorf("key of the links: %w", err)
	}
	links := access.Links{Key: key, URL: conf.Web.PublicURL}
	var names []string
	delivers := map[string]bool{}
	channels := map[string]notify.Channel{}
	for _, ch := range conf.channels {
		names = append(names, ch.name)
		channels[ch.name], delivers[ch.name] = ch.channel, notify.Delivers(ch.kind)
	}
	desk := conf.desk(names...)
	group, ctx := errgroup.WithContext(ctx)
	check := newHealthCheck(st, conf.shardNames(), log, reg)
	group.Go(func() error { return check.Run(ctx) })
	var hooks http.Handler
	received := ingest.Options{
		Holder: who, Lease: conf.Lease, Contact: conf.Contact, Public: conf.Web.PublicURL, Authors: conf.authors,
		Log: log.With("room", "ingest"), Metrics: ingest.NewMetrics(reg),
	}
	if slices.Contains(roles, "ingest") {
		l, err := ingest.New(appending{st, check}, conf.Sources, conf.topics, received)
		if err != nil {
			return err
		}
		hooks = l.Handler()
		group.Go(func() error { return l.Run(ctx) })
		group.Go(func() error { return tidy(ctx, st, conf, l, who, log) })
		group.Go(func() error { return redact(ctx, st, who, log) })
	}
	if slices.Contains(roles, "detect") {
		metrics := detect.NewMetrics(reg)
		for _, opt := range conf.shards() {
			opt.Lease, opt.Log, opt.Metrics, opt.Pin = conf.Lease, log.With("room", "detect"), metrics, true
			l, err := detect.NewLoop(st, conf.rules(opt.topics), opt.Options)
			if err != nil {
				return err
			}
			group.Go(func() error { return l.Run(ctx) })
		}
	}
	if slices.Contains(roles, "alert") {
		opt := alert.Options{Holder: who, Lease: conf.Lease, Log: log.With("room", "alert"), Metrics: alert.NewMetrics(reg), Channels: channels, Delivers: delivers, Links: links}
		if conf.Drafts != nil {
			opt.Writer = assist.NewWriter(*conf.Drafts)
		}
		if conf.LargerEar != nil {
			opt.Assessor = assist.NewAssessor(*conf.LargerEar, st)
		}
		if len(names) == 0 {
			log.Warn("no channels are configured: incidents are shown on the pages, and nobody is called")
		}
		l := alert.NewLoop(st, desk, opt)
		group.Go(func() error { return l.Run(ctx) })
		watch, err := alert.NewWatch(alert.WatchOptions{
			Health: check.Health, Channels: conf.Operators.Channels, By: channels, Lang: conf.Language, Location: conf.location, Link: conf.Web.PublicURL,
			Leases: st, Holder: who, Log: opt.Log, Metrics: opt.Metrics,
		})
		if err != nil {
			return err
		}
		group.Go(func() error { return watch.Run(ctx) })
	}
	var intake web.Intake
	if slices.Contains(roles, "web") {
		intake = ingest.NewIntake(appending{st, check}, received)
	}
	server, err := web.New(web.Options{
		Store: st, Intake: intake, Desk: desk, Topics: conf.topics, Links: access.Links{Key: key, URL: conf.Web.PublicURL}, Password: conf.password, PublicURL: conf.Web.PublicURL,
		Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), Now: time.Now, Log: log.With("room", "web"), Bare: !slices.Contains(roles, "web"), Hooks: hooks,
		TrustedProxies: conf.proxies, Registry: reg, Health: check.Health,
	})
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", conf.Web.Listen)
	if err != nil {
		return fmt.Errorf("web.listen: %w; another address for this process: --listen", err)
	}
	log.Info("listening", "url", "http://"+l.Addr().String(), "roles", roles)
	if slices.Contains(roles, "web") {
		if err := firstSignIn(ctx, st, server, l.Addr(), out, log); err != nil {
			return err
		}
	}
	group.Go(func() error { return serveHTTP(ctx, l, server) })
	return group.Wait()
}

// firstSignIn prints a link by which the person at this machine comes in, if there are no users.
func firstSignIn(ctx context.Context, st store.Users, server *web.Server, at net.Addr, out io.Writer, log *slog.Logger) error {
	users, err := st.ListUsers(ctx)
	if err != nil || len(users) > 0 {
		return err
	}
	log.Warn("there are no users; add one by: brandmelder user add NAME --roles ROLES --config FILE")
	ap, err := netip.ParseAddrPort(at.String())
	if err != nil {
		return err
	}
	if !ap.Addr().IsLoopback() { // it listens on more addresses than this machine's own
		ap = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port())
	}
	_, err = fmt.Fprintf(out, "There are no users yet. This link signs you in on this machine, once: http://%s%s\n", ap, server.OneTimePath())
	return err
}

const (
	mostConnections = 512      // at once; others wait until the kernel's queue is full
	maxHead         = 12 << 10 // bytes of a request's head; net/http adds 4 KiB
)

// serveHTTP serves until the context ends, and lets requests under way finish.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	l = netutil.LimitListener(l, mostConnections)
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second, IdleTimeout: 30 * time.Second,
		MaxHeaderBytes: maxHead,
	}
	stop := context.AfterFunc(ctx, func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_ = s.Shutdown(done) // what is not done by then is cut
	})
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shard is a part of the topics, with the name and holder of its loop.
type shard struct {
	topics []brand.Topic
	detect.Options
}

// shards spreads the topics by their names, so that each process can take some. A part without topics is left out.
func (c *config) shards() (out []shard) {
	parts := make([][]brand.Topic, c.Shards)
	for _, t := range c.topics {
		h := fnv.New32a()
		_, _ = h.Write([]byte(t.Name)) // cannot fail
		i := int(h.Sum32() % uint32(c.Shards))
		parts[i] = append(parts[i], t)
	}
	for i, topics := range parts {
		if len(topics) > 0 {
			out = append(out, shard{topics, detect.Options{Name: fmt.Sprintf("detect/%d-of-%d", i, c.Shards), Holder: holder()}})
		}
	}
	return out
}

// shardNames are the names of all shards, whichever process has them.
func (c *config) shardNames() (out []string) {
	for _, s := range c.shards() {
		out = append(out, s.Name)
	}
	return out
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "check CONFIG",
		Short:   "Tell every mistake of a configuration and the files it names, with file:line:column",
		Example: "  brandmelder check config.yaml",
		Args:    exactly(1, "one configuration file"),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := loadConfig(args[0])
			if err != nil {
				return err
			}
			persons := 0
			if conf.people != nil {
				persons = len(conf.people.Persons)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is right: %d topics, %d sources, %d channels, %d people, %d playbooks\n", args[0], len(conf.topics), len(conf.Sources), len(conf.channels), persons, len(conf.shelf.Books()))
			for _, hint := range hints(conf) {
				fmt.Fprintln(c.OutOrStdout(), "mind:", hint)
			}
			return nil
		},
	}
}

// hints are what is allowed and yet may not be meant.
func hints(conf *config) (out []string) {
	if len(conf.Sources) == 0 {
		out = append(out, "there are no sources; mentions come only by POST /api/v1/mentions")
	}
	if len(conf.channels) == 0 {
		out = append(out, "there are no channels; incidents are shown on the pages, and nobody is called")
	}
	if conf.people == nil {
		out = append(out, "there is no people file; no one-voice owner can be called by name")
	}
	return slices.Concat(out, conf.hints, webHints(conf), storeHints(conf.Store))
}
