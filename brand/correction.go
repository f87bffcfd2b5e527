package brand

import "time"

// Meant is how a person says a mention is meant.
type Meant string

// The ways of meaning. An empty one is no answer.
const (
	MeantNegative Meant = "negative"
	MeantNeutral  Meant = "neutral"
	MeantPositive Meant = "positive"
)

// About is whether a person says that a mention is about the brand.
type About string

// A mention is about the brand, or only shares its name. An empty About is no answer.
const (
	AboutUs    About = "yes"
	NotAboutUs About = "no"
)

// Correction is what a person says of a mention that was heard wrong, or right. The text is kept with it, without its
// author: it is learned from when the mention itself is gone.
type Correction struct {
	Topic   string    `json:"topic"`
	Mention string    `json:"mention"` // its ID
	Text    string    `json:"text"`
	About   About     `json:"about,omitempty"`
	Meant   Meant     `json:"meant,omitempty"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Key names the correction. There is one for each mention and topic, the last.
func (c *Correction) Key() string { return Hash(c.Topic, c.Mention) }
