package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A channel's address leads to a sign-in page. The test of the channel says so, and where to, and repeats nothing
// secret.
// Fails on 0005da9: it said that the channel took the message.
func TestTheTestOfAChannelSaysWhereARedirectLeads(t *testing.T) {
	sso := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer sso.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, sso.URL+"/login?geheim", http.StatusFound)
	}))
	defer srv.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"hook.url": srv.URL + "/geheim",
		"ntfy.url": "ntfy://" + strings.TrimPrefix(srv.URL, "http://") + "/geheim?scheme=http",
		"c.yaml": "topics: [{name: acme, query: acme}]\nchannels:\n  - {name: hook, kind: webhook, url_file: hook.url}\n" +
			"  - {name: chat, kind: slack, url_file: hook.url}\n  - {name: pager, kind: alertmanager, url: \"" + srv.URL + "\"}\n  - {name: phone, kind: shoutrrr, url_file: ntfy.url}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"hook", "chat", "pager", "phone"} {
		cmd := channelCommand()
		cmd.SetArgs([]string{"test", name, "--config", filepath.Join(dir, "c.yaml")})
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetOut(io.Discard)
		err := cmd.ExecuteContext(t.Context())
		if err == nil || !strings.Contains(err.Error(), "channel "+name+": the other side answered 302 with the new address "+sso.URL) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
