package hostile

import "fmt"

// Outcome is what the daemon did with an input, as far as it said so.
type Outcome struct {
	Refused bool   // as a whole: by the answer's status, or as a source's error
	Failed  bool   // an error was reported, be it of a part
	Taken   int    // mentions that it says to have, new or known
	Bad     int    // items that it reported one by one
	Note    string // what else it reported, such as what was left out
	Answer  string // in a few words, for the table of results
}

// Wrong says what is wrong with the outcome of the input, of which so many mentions were counted; "" for
// nothing. Each item must be counted or reported; an input that is refused as a whole must be one that may be.
func (l Load) Wrong(o Outcome, counted int) string {
	switch {
	case o.Refused && l.Valid > 0 && !l.Whole:
		return fmt.Sprintf("it was refused as a whole (%s), with %d right mentions in it", o.Answer, l.Valid)
	case o.Refused && counted > 0 && o.Taken == 0:
		return fmt.Sprintf("it was refused (%s), and yet %d of its mentions were counted", o.Answer, counted)
	case o.Refused || l.Harmless:
		return ""
	case l.Whole && counted < l.Valid && (o.Failed || o.Bad > 0 || o.Note != ""):
		return "" // it was read up to where it cannot be, and that is reported
	case counted < l.Valid:
		return fmt.Sprintf("%d of its %d right mentions were counted (%s)", counted, l.Valid, o.Answer)
	case l.Items > 0 && counted > l.Items:
		return fmt.Sprintf("%d mentions were counted of %d items", counted, l.Items)
	case o.Note != "":
		return ""
	case o.Taken+o.Bad < l.Items:
		return fmt.Sprintf("of %d items %d were taken and %d reported (%s)", l.Items, o.Taken, o.Bad, o.Answer)
	case o.Taken+o.Bad == 0:
		return fmt.Sprintf("it was neither taken nor reported (%s)", o.Answer)
	}
	return ""
}
