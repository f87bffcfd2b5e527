package notify

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"brandmelder/incident"
)

// Chat and hook get what, how bad, since when, why, what first, and a link; strangers' words cannot call a channel or
// add marks.
func TestAMessageSaysAllAndItsErrorsKeepTheSecret(t *testing.T) {
	code, got := http.StatusOK, ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("ok"))
	}))
	defer srv.Close()
	m := Message{Title: "acme: <!channel> *fire*", Bad: "level 3 of 6", Since: "since 18:02", Why: "64 voices", First: "Call product safety", Link: "https://x.example/call/t", Level: 3, Kind: incident.Crisis, Lang: "en"}
	for kind, parts := range map[string][]string{"slack": {"‹!channel›", "level 3 of 6", "since 18:02", "64 voices", "Call product safety", "https://x.example/call/t"}, "webhook": {"level 3 of 6", "since 18:02", "64 voices", "Call product safety", "https://x.example/call/t"}} {
		code = http.StatusOK
		ch, err := New(Config{Kind: kind, Secret: srv.URL + "/geheim"})
		if err != nil {
			t.Fatal(err)
		}
		if err := ch.Send(t.Context(), m, nil); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for _, p := range parts {
			if !strings.Contains(got, p) {
				t.Errorf("%s: %q is not in %s", kind, p, got)
			}
		}
		code = http.StatusTooManyRequests
		var later *Later
		if err := ch.Send(t.Context(), m, nil); !errors.As(err, &later) || later.After != 7*time.Second || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s, 429: got %v", kind, err)
		}
		code = http.StatusNotFound
		if err := ch.Send(t.Context(), m, nil); !errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s, 404: got %v", kind, err)
		}
		gone, err := New(Config{Kind: kind, Secret: "http://127.0.0.1:1/geheim"})
		if err != nil {
			t.Fatal(err)
		}
		if err := gone.Send(t.Context(), m, nil); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s, nobody there: got %v", kind, err)
		}
	}
}

// A side that takes the call and never answers, or cuts the connection, holds nobody up, and the call is tried again.
func TestAChannelThatHangsIsAnErrorInTime(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "cut") {
			panic(http.ErrAbortHandler)
		}
		<-hang
	}))
	defer srv.Close()
	defer close(hang)
	for _, kind := range []string{"slack", "webhook"} {
		for _, path := range []string{"/hang/geheim", "/cut/geheim"} {
			ch, err := New(Config{Kind: kind, Secret: srv.URL + path})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			began := time.Now()
			err = ch.Send(ctx, Message{Title: "acme", Bad: "level 3"}, nil)
			cancel()
			if err == nil || errors.Is(err, ErrGiveUp) || strings.Contains(err.Error(), "geheim") || time.Since(began) > 5*time.Second {
				t.Errorf("%s%s: got %v after %s", kind, path, err, time.Since(began))
			}
		}
	}
}
