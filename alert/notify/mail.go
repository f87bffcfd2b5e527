package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"brandmelder/incident"
	"brandmelder/people"

	"github.com/wneessen/go-mail"
)

// mailer sends e-mail by SMTP.
type mailer struct {
	client   *mail.Client
	from, to string
}

func newMail(c Config) (Channel, error) {
	if c.Host == "" || c.From == "" {
		return nil, errors.New("host and from are needed")
	}
	opts := []mail.Option{mail.WithTimeout(SendTimeout)}
	switch c.TLS {
	case "", "required":
		opts = append(opts, mail.WithTLSPortPolicy(mail.TLSMandatory))
	case "optional":
		opts = append(opts, mail.WithTLSPortPolicy(mail.TLSOpportunistic))
	case "none":
		opts = append(opts, mail.WithTLSPortPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("tls %q: want required, optional or none", c.TLS)
	}
	if c.Port != 0 {
		opts = append(opts, mail.WithPort(c.Port))
	}
	if c.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.User), mail.WithPassword(c.Password))
	}
	client, err := mail.NewClient(c.Host, opts...)
	if err != nil {
		return nil, fmt.Errorf("mail by %s: %w", c.Host, err)
	}
	return &mailer{client, c.From, c.To}, nil
}

func (s *mailer) Send(ctx context.Context, m Message, to *people.Person) error {
	address, name := s.to, ""
	if to != nil {
		address, name = to.Email, to.Name
	}
	if address == "" {
		return fmt.Errorf("there is no e-mail address: %w", ErrGiveUp)
	}
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(s.from), msg.AddToFormat(name, address)); err != nil {
		return fmt.Errorf("%w: %w", err, ErrGiveUp)
	}
	subject, body := Text(m)
	msg.Subject(subject)
	msg.SetBodyString(mail.TypeTextPlain, body)
	msg.SetMessageIDWithValue(callKey(ctx) + "@brandmelder")
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	if m.Kind != incident.Opportunity && m.Ended.IsZero() {
		msg.SetImportance(mail.ImportanceUrgent)
	}
	err := s.client.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() {
		return nil // the server answered 250 to the mail's end; what failed after that concerns the connection
	}
	var send *mail.SendError
	if errors.As(err, &send) && send.ErrorCode()/100 == 5 && slices.Contains(refusals, send.Reason) {
		return fmt.Errorf("%w: %w", err, ErrGiveUp)
	}
	return err
}

// refusals are the steps of SMTP at which a server's permanent error means this mail, not this hour.
var refusals = []mail.SendErrReason{mail.ErrSMTPMailFrom, mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose}
