package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"brandmelder/brand"
)

// Intake puts pushed mentions on the stream.
type Intake interface {
	// Take prepares the mentions and puts them on the stream. added counts those that were not known. refused has one
	// entry for each mention: nil if it is on the stream, else why not. After an error some may be on the stream, and
	// all of them may be sent again.
	Take(ctx context.Context, ms []brand.Mention) (added int, refused []error, err error)
	// Refuse counts items that could not be read as mentions.
	Refuse(n int)
}

// Limits of a push. maxBody bounds it too.
const (
	maxItems     = 10_000  // items of one request; each takes work and memory, however short it is
	maxItem      = 1 << 20 // bytes of one item
	maxErrors    = 100     // errors that an answer lists
	maxErrorText = 300     // bytes of each: an error may quote the item
	pushBatch    = 500     // items that are put on the stream together
	pushBytes    = 1 << 20 // bytes of items that are put on the stream together

	mostPushes = 16 // requests that are read at once

	pushPause = 30 * time.Second // for the sender to go on, and to take the answer, after each batch that was put there
)

// itemError is what is wrong with one item.
type itemError struct {
	Line  int    `json:"line,omitempty"` // of JSON lines, from 1
	Item  int    `json:"item,omitempty"` // of other JSON: its number among the items of all lists and values, from 1
	Error string `json:"error"`
}

// pushed is the answer to a push. Every item is taken, known, or among the errors, unless Error says where reading
// ended.
type pushed struct {
	Taken   int         `json:"taken"`
	Known   int         `json:"known"`
	Errors  []itemError `json:"errors"`
	LeftOut int         `json:"errors_left_out,omitempty"` // errors beyond those listed
	Error   string      `json:"error,omitempty"`           // why what follows was not read
}

// apiMentions takes mentions as JSON lines, or as JSON: a mention, a list of them, or several values one after the
// other. What is wrong is reported by its line or number, and the rest is taken. It answers 202 if anything was
// taken or known and everything was read, 400 if no item was right, and another status if reading ended early: Error
// says where.
func (s *Server) apiMentions(w http.ResponseWriter, r *http.Request) error {
	if s.opt.Intake == nil {
		return answer(w, http.StatusServiceUnavailable, apiError{"This process takes no mentions."})
	}
	select {
	case s.pushes <- struct{}{}:
		defer func() { <-s.pushes }()
	default:
		w.Header().Set("Retry-After", "5")
		return answer(w, http.StatusServiceUnavailable, apiError{"Too many pushes at once. Try again."})
	}
	p := &push{
		// A sender that hangs up or stalls ends the request's context; what it sent before is kept.
		ctx: context.WithoutCancel(r.Context()), intake: s.opt.Intake, conn: http.NewResponseController(w), answer: pushed{Errors: []itemError{}},
	}
	items, err := itemsOf(r)
	if err == nil {
		err = p.read(items)
	}
	code := http.StatusAccepted
	var end *endError
	switch {
	case errors.As(err, &end):
		code, p.answer.Error = end.code, shorten(end.why)
	case err != nil:
		if r.Context().Err() == nil {
			s.opt.Log.Error("pushed mentions could not be kept", "error", err)
		}
		w.Header().Set("Retry-After", "15")
		code, p.answer.Error = http.StatusServiceUnavailable, "The mentions could not be kept. Send all of them again."
	case p.answer.Taken+p.answer.Known == 0:
		code = http.StatusBadRequest
	}
	if err != nil {
		_, _ = io.Copy(io.Discard, r.Body) // a sender that is still sending would not read the answer
	}
	return answer(w, code, p.answer)
}

// push reads the items of one request and gives them to the intake in batches.
type push struct {
	ctx    context.Context
	intake Intake
	conn   *http.ResponseController
	answer pushed

	seen   int
	ms     []brand.Mention
	places []place // of ms
	size   int     // bytes of their items
}

// read takes all items. What was read before an error is taken.
func (p *push) read(items *items) error {
	for {
		raw, at, err := items.next()
		var bad *badItemError
		switch {
		case err == nil || errors.As(err, &bad):
			if p.seen++; p.seen > maxItems {
				return p.ended(end(http.StatusRequestEntityTooLarge,
					"more than %d items in one request; %s and what follows was not read: send it in another request",
					maxItems, at))
			}
		case errors.Is(err, errEnd):
			if p.seen == 0 {
				return end(http.StatusBadRequest,
					"the body is empty; send a mention as JSON, a list of them, or JSON lines")
			}
			return p.flush()
		default:
			return p.ended(err)
		}
		if bad != nil {
			p.bad(at, bad)
			continue
		}
		m, err := brand.DecodeMention(raw)
		if err != nil {
			p.bad(at, err)
			continue
		}
		p.ms, p.places, p.size = append(p.ms, m), append(p.places, at), p.size+len(raw)
		if len(p.ms) >= pushBatch || p.size >= pushBytes {
			if err := p.flush(); err != nil {
				return err
			}
			p.goOn()
		}
	}
}

// ended takes what was read before reading ended.
func (p *push) ended(why error) error {
	if err := p.flush(); err != nil {
		return err
	}
	return why
}

func (p *push) flush() error {
	if len(p.ms) == 0 {
		return nil
	}
	added, refused, err := p.intake.Take(p.ctx, p.ms)
	if err != nil {
		return err
	}
	known := len(p.ms) - added
	for i, why := range refused {
		if why != nil {
			p.report(p.places[i], why)
			known--
		}
	}
	p.answer.Taken += added
	p.answer.Known += known
	p.ms, p.places, p.size = p.ms[:0], p.places[:0], 0
	clear(p.ms[:cap(p.ms)]) // the texts may go
	return nil
}

// goOn gives the sender time for the next batch: our own work is no reason to call it slow.
func (p *push) goOn() {
	by := time.Now().Add(pushPause)
	_ = p.conn.SetReadDeadline(by)                 // where there is no connection, as in tests, there is no deadline
	_ = p.conn.SetWriteDeadline(by.Add(pushPause)) // the answer comes after the last read
}

// bad reports an item that is no mention.
func (p *push) bad(at place, why error) {
	p.intake.Refuse(1)
	p.report(at, why)
}

func (p *push) report(at place, why error) {
	if len(p.answer.Errors) == maxErrors {
		p.answer.LeftOut++
		return
	}
	e := itemError{Error: shorten(why.Error())}
	if at.line {
		e.Line = at.n
	} else {
		e.Item = at.n
	}
	p.answer.Errors = append(p.answer.Errors, e)
}
