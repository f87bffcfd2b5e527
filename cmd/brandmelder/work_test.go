package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// program starts a peer and ends it with the test.
func program(t *testing.T, address, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test needs %s: run make deps", name)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = out.Close()
	})
	until(t, name+" answers", 30*time.Second, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// A storm, from the first mention to the word of the one who speaks, among real peers: it comes in by push; the owner's
// call is a real e-mail, the deputy's an alert at a real Alertmanager; a real Prometheus watches; the owner answers on
// a phone's Chromium.
func TestTheProgramAtWork(t *testing.T) {
	t.Parallel()
	smtp, mailbox, pager, prom := freeAddr(t), freeAddr(t), freeAddr(t), freeAddr(t)
	news := &newsroom{}
	feed := httptest.NewServer(news)
	defer feed.Close()
	smtpHost, smtpPort, _ := strings.Cut(smtp, ":")
	h := newHouse(t, fmt.Sprintf(`topics: [{name: acme, query: acme, fields: [products]}]
sources: [{kind: feed, name: news, url: %q, every: 1s, allow_private: true}]
channels:
  - {name: post, kind: mail, host: %s, port: %s, from: alarm@acme.example, to: team@acme.example, tls: none}
  - {name: pager, kind: alertmanager, url: "http://%s"}
people: people.yaml
playbooks: [plan.yaml]
`, feed.URL, smtpHost, smtpPort, pager))
	h.write("people.yaml", strings.Replace(folk, "email: ben@acme.example", "channels: [pager]", 1))
	plan, err := os.ReadFile("../../playbooks/en/general.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.write("plan.yaml", strings.Replace(string(plan), "acknowledge_within: 15m", "acknowledge_within: 5s", 1))
	program(t, smtp, "../../.tools/mailpit", "--smtp", smtp, "--listen", mailbox, "--database", filepath.Join(h.dir, "mail.db"), "--disable-version-check", "--smtp-disable-rdns")
	h.write("am.yml", "route: {receiver: none, group_wait: 1s}\nreceivers: [{name: none}]\n")
	program(t, pager, "prometheus-alertmanager", "--config.file="+filepath.Join(h.dir, "am.yml"), "--storage.path="+filepath.Join(h.dir, "am"), "--web.listen-address="+pager, "--cluster.listen-address=")
	rules, err := filepath.Abs("../../deploy/prometheus/brandmelder.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	h.write("prom.yml", fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs: [{job_name: brandmelder, static_configs: [{targets: [%q]}]}]\n", rules, h.addr))
	program(t, prom, "prometheus", "--config.file="+filepath.Join(h.dir, "prom.yml"), "--storage.tsdb.path="+filepath.Join(h.dir, "prom"), "--web.listen-address="+prom)

	h.past()
	h.start()
	r := rand.New(rand.NewPCG(11, 11))
	began := time.Now()
	var link string
	until(t, "the owner has an e-mail with a link", 6*time.Minute, func() bool {
		time.Sleep(time.Duration(r.Int64N(int64(900 * time.Millisecond))))
		doc, err := json.Marshal(map[string]any{"at": time.Now(), "text": "acme: " + angry(r), "author": fmt.Sprint("p", r.IntN(500)), "source": "x"})
		if err != nil {
			t.Fatal(err)
		}
		if res, err := h.push(doc); err == nil {
			if _ = res.Body.Close(); res.StatusCode != http.StatusAccepted {
				t.Fatalf("push: %s", res.Status)
			}
		}
		if r.IntN(10) == 0 {
			news.publish("acme under fire")
		}
		link = linkOf(mailbox, "anna")
		return link != ""
	})
	t.Logf("called %s after the storm began", time.Since(began).Round(time.Second))
	until(t, "the deputy's pager shows the alert", 30*time.Second, func() bool { return len(alerts(pager)) == 1 })

	phone(t, h, mailbox, link)
	until(t, "closing resolves the alert", 30*time.Second, func() bool { return len(alerts(pager)) == 0 })

	observed(t, h, prom)
}

// linkOf is the link in the newest e-mail to the person, from mailpit.
func linkOf(mailbox, person string) string {
	var found struct{ Messages []struct{ ID string } }
	if json.Unmarshal([]byte(httpGet("http://"+mailbox+"/api/v1/search?query="+url.QueryEscape("to:"+person+"@acme.example"))), &found) != nil || len(found.Messages) == 0 {
		return ""
	}
	var m struct{ Text string }
	if json.Unmarshal([]byte(httpGet("http://"+mailbox+"/api/v1/message/"+found.Messages[0].ID)), &m) != nil {
		return ""
	}
	return regexp.MustCompile(`http://\S+/call/\S+`).FindString(m.Text)
}

// alerts are the active ones of brandmelder.
func alerts(pager string) (out []map[string]any) {
	_ = json.Unmarshal([]byte(httpGet("http://"+pager+"/api/v2/alerts?active=true&filter="+url.QueryEscape(`alertname="BrandmelderIncident"`))), &out)
	return out
}

// phone walks as the owner does, on a screen of 390 by 844 points. BRANDMELDER_SHOTS names a folder for screenshots.
func phone(t *testing.T, h *house, mailbox, link string) {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs chromium: run make deps")
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.Flag("no-sandbox", true), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true))...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2))); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	err = chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			t.Errorf("console: %s %v", e.Type, e.Args)
		case *runtime.EventExceptionThrown:
			t.Errorf("exception: %v", e.ExceptionDetails)
		case *log.EventEntryAdded:
			t.Errorf("browser's log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	n := 0
	// look takes a screenshot and sees that the page fits the screen.
	look := func(name string) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(context.Context, *chromedp.Target) error {
			width, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
			if err != nil {
				return err
			}
			if width > 390 {
				t.Errorf("%s is %d wide on a screen of 390", name, width)
			}
			dir := os.Getenv("BRANDMELDER_SHOTS")
			if n++; dir == "" {
				return nil
			}
			shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d-%s.png", n, name)), shot, 0o600)
		})
	}
	const draft = "We know of the fires and are looking into them. Please unplug your machine. We will report at eight.\n\nAnna A"
	err = chromedp.Do(ctx, chromedp.Navigate(link), chromedp.WaitVisible("#take"), look("called"),
		chromedp.Click("#take"), chromedp.WaitVisible("#taken"), look("taken"),
		chromedp.Click("ol.steps li:first-child button"), chromedp.WaitVisible("ol.steps li.done"),
		chromedp.Click("#d1 summary"), chromedp.WaitVisible("#t-d1"), chromedp.SetValue("#t-d1", draft), look("editing"),
		chromedp.Click("#d1 details button"), chromedp.WaitVisible("#d1 .edited"),
		chromedp.Click(`#d1 form[action$="/approve"] button`), chromedp.WaitVisible("#d1 .word"), look("approved"),
	)
	if err != nil {
		t.Fatalf("the walk: %v", err)
	}
	const isApproved = `document.querySelector("#d1 h3 .ok") != null`
	if done, err := chromedp.Run(ctx, chromedp.Evaluate[bool](isApproved)); err != nil {
		t.Fatal(err)
	} else if !done { // the storm is so strong that the one who decides is asked for a second word
		until(t, "the decider has an e-mail", 30*time.Second, func() bool { return linkOf(mailbox, "gil") != "" })
		err := chromedp.Do(ctx, chromedp.Navigate(linkOf(mailbox, "gil")), chromedp.WaitVisible("#change"), look("change"), chromedp.Click("#change"), chromedp.WaitVisible("#d1"), chromedp.Click(`#d1 form[action$="/approve"] button`), chromedp.WaitVisible("#d1 h3 .ok"), look("second-word"))
		if err != nil {
			t.Fatalf("the second word: %v", err)
		}
	}
	said, err := chromedp.Run(ctx, chromedp.Text("#d1 .draft-text"))
	if err != nil || said != draft {
		t.Errorf("the draft says %q, %v", said, err)
	}
	h.write("gil.password", fortPassword)
	h.command("user", "add", "gil", "--roles", "admin", "--password-file", "gil.password", "--config", "c.yaml")
	err = chromedp.Do(ctx, chromedp.Navigate("http://"+h.addr+"/sign-in"), chromedp.WaitVisible("#user"), look("sign-in"),
		chromedp.SetValue("#user", "gil"), chromedp.SetValue("#password", fortPassword), chromedp.Click("main form button"), chromedp.WaitNotPresent("#user"))
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	for _, path := range []string{"/", "/topics", "/topics/acme", "/sources", "/playbooks", "/playbooks/general"} {
		if err := chromedp.Do(ctx, chromedp.Navigate("http://"+h.addr+path), chromedp.WaitVisible("main"), look("page"+strings.ReplaceAll(path, "/", "-"))); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(link), chromedp.WaitVisible("#change"), chromedp.Click("#change"), chromedp.WaitVisible("#timeline"), chromedp.Click(`form[action$="/close"] button`), chromedp.WaitNotPresent(`form[action$="/close"]`), look("closed")); err != nil {
		t.Fatalf("closing: %v", err)
	}
}

// observed says that Prometheus takes the metrics and rules, and that each panel of the dashboard has something to
// show.
func observed(t *testing.T, h *house, prom string) {
	t.Helper()
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = strings.NewReader(h.get("/metrics"))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	for _, args := range [][]string{{"check", "rules", "brandmelder.rules.yml"}, {"test", "rules", "brandmelder.rules.test.yml"}, {"check", "config", "--syntax-only", "prometheus.yml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = "../../deploy/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	file, err := os.ReadFile("../../deploy/grafana/brandmelder.json")
	if err != nil {
		t.Fatal(err)
	}
	type panel struct {
		Title   string
		Targets []struct{ Expr string }
	}
	var dashboard struct {
		Panels []struct {
			panel
			Panels []panel
		}
	}
	if err := json.Unmarshal(file, &dashboard); err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{"a recording rule": "brandmelder:topic_negative_share", "the other": "brandmelder:topic_share_of_voice:1d"}
	for _, p := range dashboard.Panels {
		for _, p := range append(p.Panels, p.panel) {
			for i, target := range p.Targets {
				queries[fmt.Sprintf("%s/%d", p.Title, i)] = strings.NewReplacer("$topic", ".*", "$__range", "10m").Replace(target.Expr)
			}
		}
	}
	if len(queries) < 20 {
		t.Errorf("the dashboard has only %d queries", len(queries))
	}
	for what, expr := range queries {
		var got struct {
			Status, Error string
			Data          struct{ Result []any }
		}
		if err := json.Unmarshal([]byte(httpGet("http://"+prom+"/api/v1/query?query="+url.QueryEscape(expr))), &got); err != nil || got.Status != "success" || len(got.Data.Result) == 0 {
			t.Errorf("%s: %s gives nothing: %v %s", what, expr, err, got.Error)
		}
	}
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := json.Unmarshal([]byte(httpGet("http://"+prom+"/api/v1/rules")), &rules); err != nil || len(rules.Data.Groups) != 1 {
		t.Fatalf("rules: %v, %+v", err, rules)
	}
	for _, r := range rules.Data.Groups[0].Rules {
		if r.Health != "ok" {
			t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
		}
	}
}
