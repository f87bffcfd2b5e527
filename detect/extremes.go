package detect

import (
	"math"
	"slices"
)

// extremes is the distribution of the highest values of an indicator in the topic's own recent past. It keeps the
// maxima of blocks of six hours for thirty days. No standard distribution of counts holds in the tail, so the tail is
// fitted to the topic: beyond the seventh decile of the maxima it is a generalized Pareto distribution (peaks over
// threshold: Pickands 1975, Davison & Smith 1990), fitted by weighted moments (Hosking & Wallis 1987) and shrunk to a
// prior while few blocks are known.
type extremes struct {
	Maxima [blocksKept]float32 // by number of the block, in a circle; negative: at least so high; 0: not known
	Last   int64               // number of the last block
	N      int                 // known blocks
	Most   float64             // maximum of the current block

	Over, Scale, Shape float64 // of the tail: its beginning, its mean excess at shape 0, and its shape
}

const (
	blocksKept   = 120
	rarest       = 4    // once in ten thousand weeks: a month of data supports no more
	nothing      = 1e-6 // value of a block without voices, which is known all the same
	blockMinutes = 360
	blocksWeek   = 7 * 24 * 60 / blockMinutes
	tailShare    = 0.3 // of the blocks
	tailWeek     = tailShare * blocksWeek
)

// tailPrior is the tail of an indicator before there is data, and how many excesses it is worth. A capped indicator
// learns of a raised block only that it was at least so high; its tail has shape 0.
type tailPrior struct {
	over, scale, shape float64
	blocks, excesses   float64
	least              int // blocks; with fewer, no rarity is known
	capped             bool
	shapeIsWorth       float64
}

// observe adds the value of a minute.
func (p *extremes) observe(x float64) { p.Most = max(p.Most, x, nothing) }

// close ends the block of that number. limit is the value from which on a spike opens.
func (p *extremes) close(prior *tailPrior, block int64, limit float64) {
	x := p.Most
	if prior.capped && x > limit && p.knows(prior) {
		x = -limit
	}
	for p.Last < block { // also blocks that passed without a close
		p.Last++
		p.Maxima[p.Last%blocksKept] = 0
		if p.Last < block-blocksKept {
			p.Last = block - blocksKept
		}
	}
	p.Maxima[block%blocksKept] = float32(x)
	p.Most = 0
	p.fit(prior)
}

// feedback sets whether a spike of that block was right. It takes effect when the next block is closed.
func (p *extremes) feedback(block int64, right bool) {
	if block > p.Last || block <= p.Last-blocksKept {
		return
	}
	switch m := &p.Maxima[block%blocksKept]; {
	case right:
		*m = 0
	case *m < 0:
		*m = -*m
	}
}

func (p *extremes) fit(prior *tailPrior) {
	var buf [blocksKept]float32
	sorted := buf[:0]
	for _, v := range p.Maxima {
		if v != 0 {
			sorted = append(sorted, max(v, -v))
		}
	}
	p.N = len(sorted)
	if p.N == 0 {
		last := p.Last
		*p = prior.begin()
		p.Last = last
		return
	}
	n := p.N
	slices.Sort(sorted)
	k := int(math.Ceil(tailShare * float64(n)))
	over := float64(sorted[max(n-k-1, 0)])
	p.Over = (over*float64(n) + prior.over*prior.blocks) / (float64(n) + prior.blocks)

	count, raised, mean, weighted := 0.0, 0.0, 0.0, 0.0
	top := sorted[max(n-k, 0):]
	for i, v := range top {
		x := float64(v) - over
		count++
		mean += x
		weighted += x * (1 - (float64(i)+0.65)/float64(len(top)))
	}
	for _, v := range p.Maxima {
		if float64(-v) > over {
			raised++
		}
	}
	if prior.capped {
		// An exponential tail of which the highest values are censored.
		p.Shape = 0
		p.Scale = (mean + prior.excesses*prior.scale) / (count - raised + prior.excesses)
		return
	}
	mean, weighted = mean/count, weighted/count
	shape := 2 - mean/(mean-2*weighted)
	if !(mean > 0 && shape > -0.5) { // also when it is NaN
		shape = -0.5
	}
	shape = min(shape, 0.8)
	p.Shape = max(-0.1, (shape*count+prior.shape*prior.shapeIsWorth)/(count+prior.shapeIsWorth))
	p.Scale = (mean*(1-p.Shape)*count + prior.scale*prior.excesses) / (count + prior.excesses)
}

// knows reports whether enough blocks are known.
func (p *extremes) knows(prior *tailPrior) bool { return p.N >= prior.least }

// begin is the distribution without data.
func (prior *tailPrior) begin() extremes {
	return extremes{Over: prior.over, Scale: prior.scale, Shape: prior.shape}
}

// rarity is -log10 of how many times a week the value is at least x: -1 is ten times a week, 1 is once in ten weeks. It
// is -4 to 4.
func (p *extremes) rarity(x float64) float64 {
	z := (x - p.Over) / max(p.Scale, 1e-6)
	at := -math.Log10(tailWeek)
	if z <= 0 || math.Abs(p.Shape) < 1e-6 {
		return min(max(at+z/math.Ln10, -4), rarest)
	}
	left := 1 + p.Shape*z
	if left <= 0 {
		return rarest
	}
	return min(at+math.Log10(left)/p.Shape, rarest)
}

// height is the value with that rarity.
func (p *extremes) height(rarity float64) float64 {
	z := (rarity + math.Log10(tailWeek)) * math.Ln10
	if z <= 0 || math.Abs(p.Shape) < 1e-6 {
		return p.Over + p.Scale*z
	}
	return p.Over + p.Scale*(math.Exp(z*p.Shape)-1)/p.Shape
}
