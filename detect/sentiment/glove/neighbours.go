package main

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// together is how many positions are looked up at once.
const together = 512

// neighbours finds the nearest of some words, by the cosine of the angle between their positions.
type neighbours struct {
	n, dims int
	known   []float32 // n*dims, each of length 1
}

// newNeighbours takes words with their language before them.
func newNeighbours(words []string, place func(string) []float64, dims int) *neighbours {
	near := &neighbours{len(words), dims, make([]float32, len(words)*dims)}
	for i, w := range words {
		if x := place(w[3:]); x != nil {
			unit(near.known[i*dims:][:dims], x)
		}
	}
	return near
}

func unit(to []float32, from []float64) {
	square := 0.0
	for _, x := range from[:len(to)] {
		square += x * x
	}
	for i := range to {
		to[i] = float32(from[i] / math.Sqrt(square+1e-9))
	}
}

// of returns the number of the nearest word for each position.
func (near *neighbours) of(places [][]float64) []uint16 {
	a, cosines := make([]float32, len(places)*near.dims), make([]float32, len(places)*near.n)
	for i, x := range places {
		unit(a[i*near.dims:][:near.dims], x)
	}
	gonum.Implementation{}.Sgemm(blas.NoTrans, blas.Trans, len(places), near.n, near.dims, 1, a, near.dims, near.known, near.dims, 0, cosines, near.n)
	out := make([]uint16, len(places))
	for i := range places {
		best := 0
		for j, c := range cosines[i*near.n:][:near.n] {
			if c > cosines[i*near.n+best] {
				best = j
			}
		}
		out[i] = uint16(best)
	}
	return out
}
