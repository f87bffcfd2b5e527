package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"brandmelder/access"
	"brandmelder/alert/foreign"
	"brandmelder/alert/notify"
	"brandmelder/incident"
	"brandmelder/store"
)

const (
	callsRead  = 200    // of the outbox at first; more while all of these are on their way
	callsMost  = 20_000 // of the outbox at most
	atOnce     = 4      // calls over one channel at once
	maxTries   = 5
	firstRetry = 10 * time.Second
)

// flight is the calls that are being sent. Each channel has some places, so that a slow one delays no other.
type flight struct {
	mu       *sync.Mutex
	calls    map[string]bool // by their IDs
	channels map[string]int  // calls over each
	done     *sync.WaitGroup
}

func newFlight() flight {
	return flight{new(sync.Mutex), map[string]bool{}, map[string]int{}, new(sync.WaitGroup)}
}

// start reports whether the call may be sent now, and takes its place.
func (f *flight) start(c *incident.Call) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[c.ID] || f.channels[c.Channel] >= atOnce {
		return false
	}
	f.calls[c.ID] = true
	f.channels[c.Channel]++
	f.done.Add(1)
	return true
}

func (f *flight) end(c *incident.Call) {
	f.mu.Lock()
	delete(f.calls, c.ID)
	f.channels[c.Channel]--
	f.mu.Unlock()
	f.done.Done()
}

func (f *flight) wait() { f.done.Wait() }

// dispatch starts the calls that are due and whose channels have a place, and does not wait for them.
func (l *Loop) dispatch(ctx context.Context, now time.Time) error {
	for limit := callsRead; ; limit *= 10 {
		due, err := l.st.DueCalls(ctx, now, limit)
		if err != nil {
			return err
		}
		l.opt.Metrics.waiting(due, now)
		started := 0
		lease := l.lease()
		for i := range due {
			if l.flight.start(&due[i]) {
				started++
				go l.send(ctx, lease, due[i], now)
			}
		}
		if started > 0 || len(due) < limit || limit >= callsMost {
			return nil
		}
	}
}

// now is the time of what was done in a step that began at step.
func (l *Loop) now(step time.Time) time.Time {
	if l.opt.Now == nil {
		return step.UTC()
	}
	return l.opt.Now().UTC()
}

// send tries one call and saves what became of it, under the lease of the step that started it.
func (l *Loop) send(ctx context.Context, lease *store.Lease, c incident.Call, step time.Time) {
	defer l.flight.end(&c)
	if ctx.Err() != nil {
		return
	}
	err := l.try(ctx, &c, step)
	if err != nil && ctx.Err() != nil {
		return // the lease was lost, or the program ends: it is not the channel's fault
	}
	switch err := l.tried(ctx, lease, c, err, l.now(step)); {
	case errors.Is(err, store.ErrFenced):
		l.opt.Log.Warn("a call was under way when another process took the desk, and is sent again by that one", "channel", c.Channel, "to", c.To)
	case err != nil:
		l.opt.Log.Error("save what became of a call", "channel", c.Channel, "to", c.To, "error", err)
	}
}

// try sends a call once.
func (l *Loop) try(ctx context.Context, c *incident.Call, step time.Time) error {
	ch, ok := l.opt.Channels[c.Channel]
	if !ok {
		return fmt.Errorf("no channel %q is configured: %w", c.Channel, notify.ErrGiveUp)
	}
	to := l.desk.People.Person(c.To)
	link := l.opt.Links.Make(c.To, c.Incident, linkRole(c.Role), step)
	m := l.desk.Message(c, link)
	try, cancel := context.WithTimeout(notify.WithKey(ctx, c.ID), notify.SendTimeout)
	defer cancel()
	return ch.Send(try, m, to)
}

// Message is what a call says, in the language of who is called.
func (d *Desk) Message(c *incident.Call, link string) notify.Message {
	lang := d.languageOf(d.People.Person(c.To))
	return notify.Compose(c, notify.Reader{Lang: lang, Location: d.Location, Name: d.Name}, link)
}

// linkRole is what a person may do by the link of their call.
func linkRole(r incident.Role) access.Role {
	if r == incident.Helper {
		return access.Expert
	}
	return access.Owner
}

// tried saves the result of an attempt. The error is the store's.
func (l *Loop) tried(ctx context.Context, lease *store.Lease, c incident.Call, result error, now time.Time) error {
	save := context.WithoutCancel(ctx) // what was sent is saved, if the lease is still ours
	save, cancel := context.WithTimeout(save, notify.SendTimeout)
	defer cancel()
	c.Attempts++
	c.Error = ""
	if result != nil {
		c.Error = foreign.Line(result.Error(), maxError) // a mail server's words may be in it
	}
	switch {
	case result == nil:
		c.Sent = now
		if l.opt.Delivers[c.Channel] {
			c.Delivered = now
		}
		l.opt.Metrics.called(c.Channel, "sent")
	case c.Attempts >= maxTries || errors.Is(result, notify.ErrGiveUp):
		c.GivenUp = now
		l.opt.Metrics.called(c.Channel, "given_up")
		l.opt.Log.Error("call given up", "channel", c.Channel, "to", c.To, "error", result)
		if err := l.givenUp(save, lease, c, now); err != nil {
			return err
		}
	default:
		wait := firstRetry << (c.Attempts - 1)
		var later *notify.Later
		if errors.As(result, &later) {
			wait = max(wait, later.After)
		}
		c.Due = now.Add(wait)
		l.opt.Metrics.called(c.Channel, "failed")
		l.opt.Log.Warn("call failed, trying again", "channel", c.Channel, "to", c.To, "error", result)
	}
	for range 10 {
		err := l.st.SaveCall(save, lease, &c)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		// Somebody opened its link meanwhile, or answered.
		calls, err := l.st.CallsOf(save, c.Incident)
		if err != nil {
			return err
		}
		for _, o := range calls {
			if o.ID == c.ID {
				c.Version, c.Opened, c.Answered = o.Version, o.Opened, o.Answered
			}
		}
	}
	return store.ErrConflict
}

const maxError = 500 // characters of an error that is shown

// givenUp tries the person's next channel, and keeps the failure among the events and the dead letters.
func (l *Loop) givenUp(ctx context.Context, lease *store.Lease, c incident.Call, now time.Time) error {
	item, err := json.Marshal(c)
	if err != nil {
		return err
	}
	d := store.DeadLetter{ID: c.ID, At: now, Room: room, From: c.Channel, Error: c.Error, Item: string(item)}
	if err := l.st.AddDeadLetters(ctx, d); err != nil {
		return err
	}
	failed := incident.CallFailed{Person: c.To, Channel: c.Channel, Error: c.Error}
	var calls []incident.Call
	if next, ok := l.desk.next(c, now); ok {
		failed.Next, calls = next.Channel, []incident.Call{next}
	}
	err = change(ctx, l.st, lease, c.Incident, incident.Program, now, func(*incident.State) (incident.Command, store.Change) {
		return incident.Fail{CallFailed: failed}, store.Change{Calls: calls}
	}, l.desk)
	if errors.Is(err, store.ErrNotFound) {
		return nil // set aside as damaged: the dead letter is all that is left to say
	}
	return err
}

// Replay puts a call that was given up into the outbox again. The dead letter stays where it is.
func Replay(ctx context.Context, st store.Outbox, d store.DeadLetter, now time.Time) error {
	var named struct{ ID, Incident string } // all that the dead letters of each version have
	if err := json.Unmarshal([]byte(d.Item), &named); err != nil || named.ID == "" {
		return fmt.Errorf("dead letter %s holds no call", d.ID)
	}
	calls, err := st.CallsOf(ctx, named.Incident)
	if err != nil {
		return err
	}
	var c incident.Call
	if i := slices.IndexFunc(calls, func(o incident.Call) bool { return o.ID == named.ID }); i >= 0 {
		c = calls[i]
	} else if err := json.Unmarshal([]byte(d.Item), &c); err != nil {
		return fmt.Errorf("dead letter %s: the call's incident was deleted: %w", d.ID, err)
	} else {
		c.Version = 0
	}
	c.Attempts, c.GivenUp, c.Error, c.Due = 0, time.Time{}, "", now.UTC()
	return st.SaveCall(ctx, nil, &c)
}
