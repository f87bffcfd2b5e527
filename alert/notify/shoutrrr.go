package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"brandmelder/alert/outbound"
	"brandmelder/people"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// many reaches some twenty services by shoutrrr's URLs: telegram://, matrix://, ntfy://, teams://, pushover://…
type many struct {
	service types.Service
	scheme  string
	turn    chan struct{} // one send at a time: services write a message's title into their own configuration
}

func newShoutrrr(c Config) (Channel, error) {
	scheme, _, ok := strings.Cut(c.Secret, "://")
	if !ok {
		return nil, errors.New("url_file holds no address such as ntfy://host/topic")
	}
	// shoutrrr's own error repeats the secret.
	wrong := fmt.Errorf("the %s address in url_file is not one that shoutrrr understands", scheme)
	r, err := shoutrrr.CreateSender()
	if err != nil {
		return nil, wrong
	}
	service, err := r.Locate(c.Secret)
	if err != nil {
		return nil, wrong
	}
	guardService(service)
	return &many{service, scheme, make(chan struct{}, 1)}, nil
}

// guardService puts the guard between a service and the network. ntfy, Gotify and Mattermost have transports of their
// own; the rest of shoutrrr's services take http.DefaultTransport and offer no way to change that. So
// http.DefaultTransport is replaced, once, when the first of them is configured: from then on no request through it
// follows a redirect. Nothing else in the daemon uses it.
func guardService(service types.Service) {
	switch s := service.(type) {
	case *ntfy.Service:
		t := outbound.Transport()
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: s.Config.DisableTLSVerification} // as the address says
		s.SetHTTPClient(&http.Client{Timeout: SendTimeout, Transport: &outbound.Guard{Next: t, Limit: maxAnswer}})
	case interface{ GetHTTPClient() *http.Client }:
		client := s.GetHTTPClient()
		client.Transport = &outbound.Guard{Next: client.Transport, Limit: maxAnswer}
	default:
		guardDefault()
	}
}

var guardDefault = sync.OnceFunc(func() {
	// Two of the services have no timeout of their own.
	http.DefaultTransport = &outbound.Guard{Next: outbound.Transport(), Limit: maxAnswer, Timeout: SendTimeout}
})

// Send does not repeat shoutrrr's own error: it holds the secret address.
func (s *many) Send(ctx context.Context, m Message, to *people.Person) error {
	m.Title, m.Why = unmarked(m.Title), unmarked(m.Why)
	subject, body := Text(m)
	if to != nil {
		body = to.Name + ": " + body
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting for the %s service's last answer: %w", s.scheme, ctx.Err())
	case s.turn <- struct{}{}:
	}
	done := make(chan error, 1)
	go func() { // ends by the service's own timeout, which shoutrrr takes instead of a context
		done <- s.service.Send(body, &types.Params{"title": subject})
		<-s.turn
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-done:
		if own := outbound.OwnError(err); own != nil {
			return own
		}
		if err != nil {
			return fmt.Errorf("the %s service did not take it", s.scheme)
		}
	}
	return nil
}
