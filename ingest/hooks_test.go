package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"brandmelder/store/sqlite"
)

// A stranger without the secret holds many bodies open. Only some are read at the same time, a body without a
// signature is not read, and a sender with the secret at another address is served.
func TestStrangersHoldFewBodiesOfAHook(t *testing.T) {
	st, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	const secret = "a secret of the hook"
	l, err := New(st, []Config{{Kind: "webhook", Name: "clip", Token: secret}}, topics, Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(l.Handler())
	defer srv.Close()
	stall := func(sign string) net.Conn {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprintf(conn, "POST /hooks/clip HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n%s\r\n%s", sign, strings.Repeat("x", 100_000))
		return conn
	}
	code := func(conn net.Conn) string {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, len("HTTP/1.1 401"))
		if _, err := io.ReadFull(conn, line); err != nil {
			t.Fatal(err)
		}
		return string(line)
	}
	for _, sign := range []string{"", hookSignature + ": sha256=abc\r\n", hookSignature + ": sha1=" + strings.Repeat("0", 64) + "\r\n"} {
		if got := code(stall(sign)); got != "HTTP/1.1 401" {
			t.Errorf("%q: got %s before the body has ended", sign, got)
		}
	}
	forged := hookSignature + ": sha256=" + strings.Repeat("0", 64) + "\r\n"
	var held []net.Conn
	for range maxBodiesPerPeer {
		held = append(held, stall(forged))
	}
	for end := time.Now().Add(5 * time.Second); ; {
		l.hooks.mu.Lock()
		n := l.hooks.all
		l.hooks.mu.Unlock()
		if n == maxBodiesPerPeer {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d bodies are being read", n)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := code(stall(forged)); got != "HTTP/1.1 503" {
		t.Errorf("one more: got %s", got)
	}
	body := `{"at":"2026-03-14T18:00:00Z","text":"acme"}`
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	r := httptest.NewRequest(http.MethodPost, "/hooks/clip", strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:1"
	r.Header.Set(hookSignature, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	l.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "another process listens") {
		t.Errorf("who has the secret: got %d %s", w.Code, w.Body) // it reached the source, which is not running
	}
	for _, c := range held {
		_ = c.Close()
	}
}
