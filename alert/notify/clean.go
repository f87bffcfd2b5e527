package notify

import (
	"strings"

	"brandmelder/alert/foreign"
)

const (
	maxTitle = 200  // characters of a message's title: a mail's subject, the first line on a phone
	maxField = 2000 // of its other parts; Slack refuses a block of more than 3000
)

// cleanMessage returns the message with every part cleaned, as all channels send it.
func cleanMessage(m Message) Message {
	m.Title, m.Topic = foreign.Line(m.Title, maxTitle), foreign.Line(m.Topic, maxTitle)
	m.Bad, m.Since = foreign.Line(m.Bad, maxField), foreign.Line(m.Since, maxField)
	m.Why, m.First = foreign.Line(m.Why, maxField), foreign.Line(m.First, maxField)
	return m
}

// unmarked replaces the characters that chat services read as marks, links or calls to a whole channel by ones that
// look alike. shoutrrr serves many services, each with rules of its own, so the strictest of all are taken.
func unmarked(s string) string { return lookalikes.Replace(s) }

var lookalikes = strings.NewReplacer("@", "＠", "<", "‹", ">", "›", "[", "(", "]", ")", "*", "∗", "_", "ˍ", "~", "∼",
	"`", "'", "|", "∣", "\\", "∖")
