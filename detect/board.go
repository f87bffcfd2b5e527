package detect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brandmelder/brand"
)

// TopicDoc is what the board shows of a topic under "topic/NAME".
type TopicDoc struct {
	Name     string        `json:"name"`
	Query    string        `json:"query"`
	Role     brand.Role    `json:"role"`
	Mentions int64         `json:"mentions"`
	TooLate  int64         `json:"too_late"`
	Learning bool          `json:"learning"`
	Since    time.Time     `json:"since"`
	At       time.Time     `json:"at"`
	Curve    []brand.Point `json:"curve"`

	// Nearly is what was judged and not raised lately, newest first.
	Nearly []brand.Nearly `json:"nearly"`
	// New is what is said in the last hours, and was not in the week before.
	New []brand.Term `json:"new"`
}

func (l *Loop) pin(ctx context.Context) error {
	if !l.opt.Pin || l.d.now == l.pinned || l.d.now == 0 {
		return nil
	}
	l.pinned = l.d.now
	if err := errors.Join(l.feedback(ctx), l.corrections(ctx)); err != nil {
		return err
	}
	return l.PinTopics(ctx)
}

// PinTopics pins the topics as they are now to the board.
func (l *Loop) PinTopics(ctx context.Context) error {
	for _, s := range l.d.topics {
		if s.Start == 0 {
			continue
		}
		if err := l.lookForNew(ctx, s); err != nil {
			return fmt.Errorf("look for new words of topic %s: %w", s.topic.Name, err)
		}
		doc, err := json.Marshal(TopicDoc{s.topic.Name, s.topic.Query, s.topic.Role, s.Total, s.TooLate, s.Base.learning(), minuteTime(s.Start), l.d.Now(), s.curve(l.d.now, l.d.slotOf), s.notRaisedLately(), s.beside.novel})
		if err != nil {
			return err
		}
		if err := l.st.Pin(ctx, "topic/"+s.topic.Name, doc); err != nil {
			return fmt.Errorf("pin topic %s: %w", s.topic.Name, err)
		}
		l.opt.Metrics.topic(s.topic.Name, s.hourly(l.d.now, l.d.slotOf))
	}
	return nil
}
