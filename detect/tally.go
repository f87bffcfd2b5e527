package detect

import (
	"math"
	"time"

	"brandmelder/brand"
)

// count adds voices to the minute and returns its bucket, for what else is known of them; nil where they come too late to count.
func (s *state) count(minute, now int64, voices float64) *bucket {
	s.Total++
	if minute <= s.Ring.Head-lateMinutes || !s.Ring.has(minute) {
		s.TooLate++
		return nil
	}
	b := s.Ring.at(minute)
	b.Voices += float32(voices)
	if minute >= s.Start && s.Base.Hours < warmHours {
		s.Warm += voices
	}
	if minute < now && (s.Dirty == 0 || minute < s.Dirty) {
		s.Dirty = minute
	}
	if minute < now/60*60 {
		clear(s.hours[:])
	}
	return b
}

// tally takes in what a network counted of a topic: as many voices, meant as the texts that were read of them lately.
func (d *Detector) tally(heard time.Time, m *brand.Mention) {
	for _, s := range d.topics {
		if s.topic.Name != m.Topic {
			continue
		}
		now := heard.Unix() / 60
		s.begin(now)
		minute := min(m.At.Unix()/60, now)
		b := s.count(minute, d.now, float64(m.Count))
		if b == nil {
			return
		}
		negative, positive := s.Manner.shares(minute, s.Base.negativeShare(), s.Base.positiveShare())
		b.Negative += float32(negative * float64(m.Count))
		b.Positive += float32(positive * float64(m.Count))
		b.Sources |= 1 << (hashString(m.Source) % 16)
	}
}

// manner is how those texts are meant that tallies count: sums that halve in an hour.
type manner struct {
	Minute             int64
	All                float32
	Negative, Positive float32
}

const (
	mannerHalf   = 60 // minutes
	mannerBelief = 10 // texts: so much the topic's usual shares count
)

func (x *manner) fade(minute int64) {
	if minute > x.Minute {
		f := float32(math.Exp2(-float64(minute-x.Minute) / mannerHalf))
		x.Minute, x.All, x.Negative, x.Positive = minute, x.All*f, x.Negative*f, x.Positive*f
	}
}

func (x *manner) hear(minute int64, negative, positive float32) {
	x.fade(minute)
	x.All++
	x.Negative += negative
	x.Positive += positive
}

func (x *manner) shares(minute int64, usualNegative, usualPositive float64) (negative, positive float64) {
	x.fade(minute)
	all := float64(x.All) + mannerBelief
	return (float64(x.Negative) + mannerBelief*usualNegative) / all, (float64(x.Positive) + mannerBelief*usualPositive) / all
}
