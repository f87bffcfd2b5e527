package brand

import "time"

// Feedback is what people said of a spike: whether the mentions of the topic in that time were worth a call.
type Feedback struct {
	Spike string    `json:"spike,omitempty"` // its ID
	Topic string    `json:"topic"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Right bool      `json:"right"`
}
