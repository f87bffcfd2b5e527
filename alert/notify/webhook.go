package notify

import (
	"context"
	"encoding/json"

	"brandmelder/people"
)

// webhook posts the message as JSON: the fields of Message, the person's id under "to", and the plain text under
// "text". The other side takes it by answering 2xx, with any body that is no web page.
type webhook struct{ url string }

func newWebhook(c Config) (Channel, error) {
	u, err := address(c)
	return &webhook{u}, err
}

func (w *webhook) Send(ctx context.Context, m Message, to *people.Person) error {
	subject, text := Text(m)
	doc := struct {
		Message
		To      string `json:"to,omitempty"`
		Subject string `json:"subject"`
		Text    string `json:"text"`
	}{Message: m, Subject: subject, Text: text}
	if to != nil {
		doc.To = to.ID
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	_, err = post(ctx, w.url, body, callKey(ctx))
	return err
}

type keyType struct{}

// WithKey returns a context whose sends carry the key, so that the other side recognises a call that is sent again.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyType{}, key)
}

func callKey(ctx context.Context) string {
	key, _ := ctx.Value(keyType{}).(string)
	return key
}
