package detect

import "math"

// sampledTone is the tone of the texts that were read of posts that a network only counted. The sums halve in an hour.
type sampledTone struct {
	Minute             int64
	All                float32
	Negative, Positive float32
}

const (
	sampledHalfLife = 60 // minutes
	sampledPrior    = 10 // texts that the topic's usual shares are worth
)

// fade moves the sums on to the minute.
func (t *sampledTone) fade(minute int64) {
	if minute > t.Minute {
		f := float32(math.Exp2(-float64(minute-t.Minute) / sampledHalfLife))
		t.Minute, t.All, t.Negative, t.Positive = minute, t.All*f, t.Negative*f, t.Positive*f
	}
}

// add counts a text that was read.
func (t *sampledTone) add(minute int64, negative, positive float32) {
	t.fade(minute)
	t.All++
	t.Negative += negative
	t.Positive += positive
}

// shares estimates the shares of negative and positive texts, shrunk to the usual ones where few texts were read.
func (t *sampledTone) shares(minute int64, usualNegative, usualPositive float64) (negative, positive float64) {
	t.fade(minute)
	all := float64(t.All) + sampledPrior
	return (float64(t.Negative) + sampledPrior*usualNegative) / all, (float64(t.Positive) + sampledPrior*usualPositive) / all
}
