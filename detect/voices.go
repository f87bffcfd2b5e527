package detect

import (
	"time"

	"brandmelder/brand"
)

// addVoices adds voices to the minute of their publication and returns its bucket, for their tone and source. It
// returns nil if they come too late to be counted.
func (s *state) addVoices(minute, now int64, voices float64) *bucket {
	s.Total++
	if minute <= s.Ring.Head-lateMinutes || !s.Ring.has(minute) {
		s.TooLate++
		return nil
	}
	b := s.Ring.at(minute)
	b.Voices += float32(voices)
	if minute >= s.Start && s.Base.Hours < warmHours {
		s.WarmUp += voices
	}
	if minute < now && (s.Changed == 0 || minute < s.Changed) {
		s.Changed = minute
	}
	if minute < now/60*60 {
		clear(s.hours[:])
	}
	return b
}

// addTally adds the number of posts that a network counted for a topic. Their tone is estimated from the posts of the
// topic that were read lately.
func (d *Detector) addTally(received time.Time, m *brand.Mention) {
	for _, s := range d.topics {
		if s.topic.Name != m.Topic {
			continue
		}
		now := received.Unix() / 60
		s.begin(now)
		minute := min(m.At.Unix()/60, now)
		b := s.addVoices(minute, d.now, float64(m.Count))
		if b == nil {
			return
		}
		negative, positive := s.SampledTone.shares(minute, s.Base.negativeShare(), s.Base.positiveShare())
		b.Negative += float32(negative * float64(m.Count))
		b.Positive += float32(positive * float64(m.Count))
		b.Sources |= 1 << (hashString(m.Source) % 16)
	}
}
