package detect

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
)

// state7 has the fields of a topic's state that version 7 wrote under another name.
type state7 struct {
	Base struct {
		Should, Seen     float64
		Missed           [memories]float64
		StayNum, StayDen [len(windows)]float64
	}
	Crowd struct {
		Authors []struct {
			Print  uint64
			Minute int32
			Count  float32
		}
	}
	Deaf, Dirty     int64
	Warm            float64
	Past            [indicators]extremes
	Nearly          [4]nearMiss
	Trouble, Praise tracker7
	Manner          sampledTone
}

type tracker7 struct {
	Told            int64
	Again           bool
	Known, Top, Now float64
}

type cluster7 struct {
	Print      sketch
	Told, Last int32
}

// from7 turns a snapshot of version 7 into one of this version. gob matches fields by name: one decoder reads the
// fields whose names are the same, a second one those of state7.
func from7(data []byte) ([]byte, error) {
	same, renamed := gob.NewDecoder(bytes.NewReader(data)), gob.NewDecoder(bytes.NewReader(data))
	both := func(a, b any) error { return errors.Join(same.Decode(a), renamed.Decode(b)) }
	var out bytes.Buffer
	enc := gob.NewEncoder(&out)
	var version int
	var now int64
	var kept []cluster7
	if err := errors.Join(both(&version, &version), both(&now, &now), both(&kept, &kept)); err != nil {
		return nil, err
	}
	clusters := make([]cluster, len(kept))
	for i, k := range kept {
		clusters[i] = cluster{Sketch: k.Print, Copies: k.Told, Last: k.Last}
	}
	if err := errors.Join(enc.Encode(snapshotVersion), enc.Encode(now), enc.Encode(clusters)); err != nil {
		return nil, err
	}
	for {
		var name string
		if err := both(&name, &name); errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		} else if err != nil {
			return nil, err
		}
		var s state
		var old state7
		if err := both(&s, &old); err != nil {
			return nil, fmt.Errorf("topic %s: %w", name, err)
		}
		old.fill(&s)
		if err := errors.Join(enc.Encode(name), enc.Encode(&s)); err != nil {
			return nil, err
		}
	}
}

// fill sets the fields of s whose names have changed.
func (old *state7) fill(s *state) {
	b := &old.Base
	s.Base.TrendExpected, s.Base.TrendObserved, s.Base.ForecastError = b.Should, b.Seen, b.Missed
	s.Base.PersistNum, s.Base.PersistDen = b.StayNum, b.StayDen
	for _, a := range old.Crowd.Authors {
		s.Weights.Authors = append(s.Weights.Authors, authorCount{Author: a.Print, Minute: a.Minute, Count: a.Count})
	}
	s.JudgedFrom, s.Changed, s.WarmUp = old.Deaf, old.Dirty, old.Warm
	s.Extremes, s.NearMisses, s.SampledTone = old.Past, old.Nearly, old.Manner
	old.Trouble.fill(&s.Trouble)
	old.Praise.fill(&s.Praise)
}

func (old *tracker7) fill(w *tracker) {
	w.Reported, w.Resumed, w.EndScore, w.Peak, w.Latest = old.Told, old.Again, old.Known, old.Top, old.Now
}
