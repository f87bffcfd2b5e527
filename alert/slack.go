package alert

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"brandmelder/brand"

	"github.com/slack-go/slack"
)

// chat posts to a Slack incoming webhook, in blocks.
type chat struct{ url string }

func newSlack(c ChannelConfig) (Channel, error) {
	u, err := address(c)
	return &chat{u}, err
}

func (s *chat) Send(ctx context.Context, m brand.Message, to *brand.Person) error {
	subject, _ := Text(m)
	head := subject
	if to != nil {
		head = to.Name + ": " + head
	}
	text := func(t string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.MarkdownType, cut(t, 2900), false, false)
	}
	blocks := []slack.Block{
		slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, cut(head, 149), false, false)),
		slack.NewSectionBlock(text("*"+mrkdwn(m.Bad)+"*, "+mrkdwn(m.Since)), nil, nil),
	}
	if m.Why != "" {
		blocks = append(blocks, slack.NewSectionBlock(text(mrkdwn(m.Why)), nil, nil))
	}
	if m.First != "" && m.Ended.IsZero() {
		blocks = append(blocks, slack.NewSectionBlock(text(pick(m.Lang, "*First:* ", "*Zuerst:* ")+mrkdwn(m.First)), nil, nil))
	}
	if m.Link != "" {
		b := slack.NewButtonBlockElement("take", m.Incident, slack.NewTextBlockObject(slack.PlainTextType, pick(m.Lang, "Read and take it", "Lesen und annehmen"), false, false))
		b.URL = m.Link
		blocks = append(blocks, slack.NewActionBlock("", b))
	}
	err := slack.PostWebhookCustomHTTPContext(ctx, s.url, httpClient, &slack.WebhookMessage{Text: mrkdwn(subject), Blocks: &slack.Blocks{BlockSet: blocks}})
	var limited *slack.RateLimitedError
	var code slack.StatusCodeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limited):
		return &Later{limited.RetryAfter, errors.New("Slack asks to slow down")}
	case errors.As(err, &code) && code.Code/100 == 4:
		return fmt.Errorf("Slack answered %s: %w", code.Status, ErrGiveUp)
	}
	return withoutURL(err)
}

// mrkdwn keeps a text from outside from being read as Slack's marks, links or calls to @channel
// (https://docs.slack.dev/messaging/formatting-message-text).
func mrkdwn(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "_", "ˍ", "~", "∼", "`", "'").Replace(s)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
