package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"brandmelder/alert/foreign"
	"brandmelder/i18n"
	"brandmelder/people"

	"github.com/slack-go/slack"
)

// chat posts to a Slack incoming webhook, in blocks. Slack has it when it answers 200 with the body "ok"
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type chat struct{ url string }

func newSlack(c Config) (Channel, error) {
	u, err := address(c)
	return &chat{u}, err
}

func (s *chat) Send(ctx context.Context, m Message, to *people.Person) error {
	m.Title, m.Why = unmarked(m.Title), unmarked(m.Why)
	subject, _ := Text(m)
	head := subject
	if to != nil {
		head = to.Name + ": " + head
	}
	// Verbatim: Slack makes no links and mentions out of plain text.
	text := func(t string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.MarkdownType, foreign.Shorten(t, 2900), false, true)
	}
	blocks := []slack.Block{
		slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, foreign.Shorten(head, 149), false, false)),
		slack.NewSectionBlock(text("*"+mrkdwn(m.Bad)+"*, "+mrkdwn(m.Since)), nil, nil),
	}
	if m.Why != "" {
		blocks = append(blocks, slack.NewSectionBlock(text(mrkdwn(m.Why)), nil, nil))
	}
	if m.First != "" && m.Ended.IsZero() {
		blocks = append(blocks, slack.NewSectionBlock(text(i18n.In(m.Lang).T("message.first_bold", "Text", mrkdwn(m.First))), nil, nil))
	}
	if m.Link != "" {
		b := slack.NewButtonBlockElement("take", m.Incident, slack.NewTextBlockObject(slack.PlainTextType, i18n.In(m.Lang).T("message.read_and_take"), false, false))
		b.URL = m.Link
		blocks = append(blocks, slack.NewActionBlock("", b))
	}
	// Parse none: nothing in the fallback text becomes a link or a call to somebody.
	message := slack.WebhookMessage{Text: mrkdwn(subject), Parse: "none", Blocks: &slack.Blocks{BlockSet: blocks}}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	answer, err := post(ctx, s.url, body, "")
	switch {
	case err != nil && slackCode.MatchString(answer):
		return fmt.Errorf("Slack says %s: %w", answer, err)
	case err != nil:
		return err
	case answer != "ok":
		return fmt.Errorf("the other side did not answer ok, as Slack does; is this the address of a webhook? %w", ErrGiveUp)
	}
	return nil
}

// slackCode is what Slack answers when it refuses a message, such as channel_is_archived
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). It repeats nothing of the message or the
// address.
var slackCode = regexp.MustCompile(`^[a-z_]{3,40}$`)

// mrkdwn keeps a text from outside from being read as Slack's marks, links or calls to @channel
// (https://docs.slack.dev/messaging/formatting-message-text).
func mrkdwn(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "_", "ˍ", "~", "∼", "`", "'").Replace(s)
}
