package detect

import (
	"context"
	"errors"
	"fmt"

	"brandmelder/store"
)

func (l *Loop) saveStatus(ctx context.Context) error {
	if !l.opt.Pin || l.d.now == l.pinned || l.d.now == 0 {
		return nil
	}
	l.pinned = l.d.now
	if err := errors.Join(l.feedback(ctx), l.corrections(ctx)); err != nil {
		return err
	}
	return l.SaveTopics(ctx)
}

// SaveTopics saves the statuses of the topics as they are now.
func (l *Loop) SaveTopics(ctx context.Context) error {
	for _, s := range l.d.topics {
		if s.Start == 0 {
			continue
		}
		if err := l.lookForNew(ctx, s); err != nil {
			return fmt.Errorf("look for new words of topic %s: %w", s.topic.Name, err)
		}
		status := store.TopicStatus{
			Name: s.topic.Name, Query: s.topic.Query, Role: s.topic.Role, Mentions: s.Total, TooLate: s.TooLate,
			Learning: s.Base.learning(), Since: minuteTime(s.Start), At: l.d.Now(), Curve: s.curve(l.d.now, l.d.slotOf),
			Nearly: s.notRaisedLately(), New: s.beside.novel,
		}
		if err := l.st.SaveStatus(ctx, status); err != nil {
			return err
		}
		l.opt.Metrics.topic(s.topic.Name, s.hourly(l.d.now, l.d.slotOf))
	}
	return nil
}
