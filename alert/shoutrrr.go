package alert

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"brandmelder/brand"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// many reaches some twenty services by shoutrrr's URLs: telegram://, matrix://, ntfy://, teams://, pushover://…
type many struct {
	r      *router.ServiceRouter
	scheme string
}

func newShoutrrr(c ChannelConfig) (Channel, error) {
	scheme, _, ok := strings.Cut(c.Secret, "://")
	if !ok {
		return nil, errors.New("url_file holds no address such as ntfy://host/topic")
	}
	r, err := shoutrrr.CreateSender(c.Secret)
	if err != nil {
		return nil, fmt.Errorf("the %s address in url_file is not one that shoutrrr understands", scheme) // its error repeats the secret
	}
	r.Timeout = sendTimeout
	return &many{r, scheme}, nil
}

// Send does not tell shoutrrr's own error: it repeats the secret address.
func (s *many) Send(ctx context.Context, m brand.Message, to *brand.Person) error {
	subject, body := Text(m)
	if to != nil {
		body = to.Name + ": " + body
	}
	done := make(chan []error, 1)
	go func() { // ends by the router's own timeout, which shoutrrr takes instead of a context
		params := types.Params{"title": subject}
		done <- s.r.Send(body, &params)
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case errs := <-done:
		for _, err := range errs {
			if err != nil {
				return fmt.Errorf("the %s service did not take it", s.scheme)
			}
		}
	}
	return nil
}
