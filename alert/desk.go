package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"brandmelder/brand"
	"brandmelder/playbooks"
)

// Desk knows the plans and the people, and decides. It does not change.
type Desk struct {
	Shelf    *playbooks.Shelf
	People   *playbooks.People
	Topics   []brand.Topic
	Lang     string         // of titles and messages to people who speak it: de or en
	Location *time.Location // of times that people read
	Channels []string       // names of all channels, in the configuration's order
	Pagers   []string       // those of them that show an incident until they are told that it is over
}

const (
	crisisLevel      = brand.LightBreeze // below it a spike is shown, and nobody is called
	secondVoice      = brand.Storm       // from it on a statement needs a second person
	joinWithin       = 48 * time.Hour    // a spike of the same topic belongs to the incident
	storyWithin      = 6 * time.Hour     // a spike of another topic that tells the same
	sameTerms        = 3                 // that many distinctive terms in common are the same story
	sameMentions     = 0.3               // or that share of the mentions of the smaller
	forgetAfter      = 48 * time.Hour    // of calm: closed, if nobody did
	opportunityLeast = 10                // voices
	teamRole         = "team"
	self             = "brandmelder"
)

// Receive takes in a telling of a spike. It returns the incident that it opens or changes, and the calls to make, or nil when
// it is no news. open are the incidents still open; asked says how often each person was asked in the last 30 days.
func (d *Desk) Receive(sp brand.Spike, open []brand.Incident, asked map[string]int, now time.Time) (*brand.Incident, []brand.Call) {
	topic := d.topic(sp.Topic)
	if topic.Role != "" && topic.Role != brand.Own {
		return nil, nil // a competitor's storm is told on the pages
	}
	kind := brand.Crisis
	if sp.Kind == brand.Praise {
		kind = brand.Opportunity
	}
	if kind == brand.Opportunity && slices.ContainsFunc(open, func(in brand.Incident) bool {
		return in.Kind == brand.Crisis && !in.Drill && slices.Contains(in.Topics, sp.Topic)
	}) {
		return nil, nil // relief after a crisis is no opportunity
	}
	in := d.find(open, kind, &sp)
	if in == nil {
		if kind == brand.Crisis && sp.Level < crisisLevel || kind == brand.Opportunity && (sp.Observed < opportunityLeast || sp.Learning) {
			return nil, nil
		}
		return d.open(sp, kind, topic, asked, now)
	}
	wasOver, spikes := over(in), len(in.Spikes)
	if !d.join(in, sp, now) {
		return nil, nil
	}
	calls := d.growing(in, now)
	if wasOver && len(in.Spikes) > spikes && !over(in) && kind == brand.Crisis && len(calls) == 0 {
		calls = d.call(in, in.Voice(), "owner", fmt.Sprintf("flares up again, %d", len(in.Spikes)), now)
	}
	return in, calls
}

func (d *Desk) topic(name string) brand.Topic {
	for _, t := range d.Topics {
		if t.Name == name {
			return t
		}
	}
	return brand.Topic{Name: name}
}

// find returns the open incident that the spike belongs to: its own, its topic's, or one that tells the same story, or asks for the
// same special plan while it lasts.
func (d *Desk) find(open []brand.Incident, kind brand.IncidentKind, sp *brand.Spike) *brand.Incident {
	var same, story *brand.Incident
	for i := range open {
		in := &open[i]
		for _, o := range in.Spikes {
			switch {
			case o.ID == sp.ID:
				return in
			case in.Kind != kind || in.Drill != sp.Drill:
			case o.Topic == sp.Topic && sp.Began.Sub(o.Updated) < joinWithin:
				same = in
			case sp.Began.Sub(o.Updated) < storyWithin && sameStory(&o.Evidence, &sp.Evidence):
				story = in
			case o.State != brand.Ended && in.Playbook != playbooks.General && in.Playbook == d.plan(sp):
				story = in
			}
		}
	}
	if same != nil {
		return same
	}
	return story
}

func (d *Desk) plan(sp *brand.Spike) string {
	id, _ := d.Shelf.Find(playbooks.Matter{Topics: []string{sp.Topic}, Kind: sp.Kind, Level: sp.Level, Ev: sp.Evidence}, d.Lang)
	return id
}

// sameStory says whether two spikes tell the same: they share distinctive terms, or a good part of the mentions of one are among
// those of the other.
func sameStory(a, b *brand.Evidence) bool {
	common := 0
	for _, t := range a.Terms {
		if slices.ContainsFunc(b.Terms, func(u brand.Term) bool { return strings.EqualFold(u.Text, t.Text) }) {
			common++
		}
	}
	if common >= sameTerms {
		return true
	}
	if len(a.Sketch) == 0 || len(b.Sketch) == 0 {
		return false
	}
	// Only below the lower of the two ends do both sketches tell all.
	limit := min(a.Sketch[len(a.Sketch)-1], b.Sketch[len(b.Sketch)-1])
	inA, inB, both := 0, 0, 0
	for _, h := range a.Sketch {
		if h <= limit {
			inA++
			if _, ok := slices.BinarySearch(b.Sketch, h); ok {
				both++
			}
		}
	}
	for _, h := range b.Sketch {
		if h <= limit {
			inB++
		}
	}
	return both >= 2 && float64(both) >= sameMentions*float64(min(inA, inB))
}

func (d *Desk) open(sp brand.Spike, kind brand.IncidentKind, topic brand.Topic, asked map[string]int, now time.Time) (*brand.Incident, []brand.Call) {
	in := &brand.Incident{
		ID: brand.Hash(string(kind), sp.ID), Kind: kind, Topics: []string{sp.Topic}, Level: sp.Level, Began: sp.Began, Detected: sp.Detected,
		Spikes: []brand.Spike{sp}, Lang: d.Lang, Drill: sp.Drill, ToldLevel: sp.Level,
	}
	in.Title = d.title(in)
	in.Playbook, in.PlaybookWhy = d.Shelf.Find(playbooks.Matter{Topics: in.Topics, Kind: sp.Kind, Level: sp.Level, Ev: sp.Evidence}, d.Lang)
	in.PlaybookWhy = ForeignLine(in.PlaybookWhy, maxField) // it repeats what people say
	book := d.Shelf.Book(in.Playbook, d.Lang)
	if book == nil {
		book = &playbooks.Playbook{ID: playbooks.General, EscalateAfter: 15 * time.Minute}
	}
	owner, deputy, decider := d.People.Voices(d.plans(in.Playbook)...)
	for _, part := range []struct {
		id *string
		q  *brand.Person
	}{{&in.Owner, owner}, {&in.Deputy, deputy}, {&in.Decider, decider}} {
		if part.q != nil {
			*part.id = part.q.ID
		}
	}
	for i, st := range book.Steps {
		in.Steps = append(in.Steps, brand.Step{ID: fmt.Sprintf("s%d", i+1), Text: st.Text, Role: st.Role, Due: now.Add(st.Within).UTC()})
	}
	in.Experts = d.People.Experts(playbooks.Need{
		Fields: d.fields(topic, in.Playbook), Languages: languages(sp.Evidence), At: now, Asked: asked,
		Not: []string{in.Owner, in.Deputy, in.Decider}, Lang: d.Lang,
	})
	in.Drafts = d.drafts(in)
	in.Note(now, self, fmt.Sprintf("opened: %s (%s)", in.Title, in.Level))
	in.Note(now, self, "playbook "+in.Playbook+": "+in.PlaybookWhy)
	in.EscalateAt = now.Add(book.EscalateAfter).UTC()
	return in, d.call(in, in.Owner, "owner", "opened", now)
}

// plans are the plan in all its languages.
func (d *Desk) plans(playbook string) (out []*playbooks.Playbook) {
	for _, lang := range d.Shelf.Languages(playbook) {
		out = append(out, d.Shelf.Book(playbook, lang))
	}
	return out
}

// fields are what experts of the matter know: the topic's, and those of the plan in all its languages.
func (d *Desk) fields(t brand.Topic, playbook string) []string {
	out := slices.Clone(t.Fields)
	for _, b := range d.plans(playbook) {
		out = append(out, b.Fields...)
	}
	return out
}

func languages(ev brand.Evidence) (out []string) {
	for l, n := range ev.Languages {
		if n*5 >= ev.Mentions {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return out
}

// drafts are the plan's texts, in all its languages, filled in.
func (d *Desk) drafts(in *brand.Incident) (out []brand.Draft) {
	for _, b := range d.plans(in.Playbook) {
		lang := b.Lang
		v := d.values(in, lang)
		add := func(kind, text string) {
			if filled, err := b.Fill(text, v); err == nil && filled != "" { // Load has tried every template
				out = append(out, brand.Draft{ID: fmt.Sprintf("d%d", len(out)+1), Kind: kind, Lang: lang, Text: filled, From: FromPlaybook})
			}
		}
		add("holding statement", b.Holding)
		for _, r := range b.Replies[:min(len(b.Replies), 1)] {
			add("reply: "+r.Question, r.Answer)
		}
	}
	return out
}

// join puts the telling into the incident; false when nothing that people see has changed.
func (d *Desk) join(in *brand.Incident, sp brand.Spike, now time.Time) bool {
	i := slices.IndexFunc(in.Spikes, func(o brand.Spike) bool { return o.ID == sp.ID })
	if i >= 0 {
		if !sp.Updated.After(in.Spikes[i].Updated) && sp.State == in.Spikes[i].State {
			return false // told before: a crash repeats
		}
		in.Spikes[i] = sp
	} else {
		if sp.State == brand.Ended && sp.Level < crisisLevel {
			return false
		}
		in.Spikes = append(in.Spikes, sp)
		in.Note(now, self, fmt.Sprintf("joined by a spike of %s on %s", sp.Kind, sp.Topic))
		if !slices.Contains(in.Topics, sp.Topic) {
			in.Topics = append(in.Topics, sp.Topic)
		}
	}
	if sp.Level > in.Level {
		in.Level = sp.Level
		in.Note(now, self, fmt.Sprintf("level rises to %s", in.Level))
	}
	if sp.Began.Before(in.Began) {
		in.Began = sp.Began
	}
	if sp.State == brand.Ended {
		in.Note(now, self, fmt.Sprintf("calm again on %s since %s", sp.Topic, d.clock(sp.Ended, "en")))
	}
	in.Title = d.title(in)
	in.Updated = now.UTC()
	return true
}

// growing tells those who are in it that it got worse; each level once.
func (d *Desk) growing(in *brand.Incident, now time.Time) (calls []brand.Call) {
	if in.Kind == brand.Crisis && in.Level > in.ToldLevel {
		in.ToldLevel = in.Level
		reason := fmt.Sprintf("growing to level %d", in.Level)
		calls = append(calls, d.call(in, in.Voice(), "owner", reason, now)...)
		if in.Level >= secondVoice {
			calls = append(calls, d.call(in, in.Decider, "decider", reason, now)...)
		}
	}
	if in.Kind == brand.Crisis && over(in) {
		calls = append(calls, d.call(in, in.Voice(), "owner", fmt.Sprintf("calm again, %d", len(in.Spikes)), now)...)
	}
	return calls
}

// over says whether all spikes of the incident have ended.
func over(in *brand.Incident) bool {
	return !slices.ContainsFunc(in.Spikes, func(s brand.Spike) bool { return s.State != brand.Ended })
}

// Due does what time asks for: the next person where nobody answered, the closing of what has long been calm. false when nothing is due.
func (d *Desk) Due(in *brand.Incident, now time.Time) (bool, []brand.Call) {
	changed := false
	var calls []brand.Call
	if in.AckBy == "" && !in.EscalateAt.IsZero() && !now.Before(in.EscalateAt) && in.Kind == brand.Crisis {
		changed = true
		next := []struct{ role, id string }{{"deputy", in.Deputy}, {"decider", in.Decider}, {teamRole, ""}}
		for in.Escalated < len(next) {
			n := next[in.Escalated]
			in.Escalated++
			if n.id == "" && n.role != teamRole || n.role == "decider" && n.id == in.Deputy {
				continue
			}
			calls = append(calls, d.call(in, n.id, n.role, fmt.Sprintf("nobody answered, %d", in.Escalated), now)...)
			in.Note(now, self, "nobody answered: calling the "+n.role)
			break
		}
		in.EscalateAt = in.EscalateAt.Add(d.patience(in))
		if in.Escalated >= len(next) {
			in.EscalateAt = time.Time{}
		}
	}
	if over(in) && now.Sub(lastEnd(in)) >= d.calmFor(in) {
		changed = true
		calls = append(calls, d.close(in, self, "closed: long calm", now)...)
	}
	return changed, calls
}

// close ends the incident and tells the pagers, which nobody else would.
func (d *Desk) close(in *brand.Incident, by, what string, now time.Time) (calls []brand.Call) {
	in.Closed = now.UTC()
	in.Note(now, by, what)
	for _, ch := range d.Pagers {
		c := brand.Call{ID: brand.Hash(in.ID, "closed", ch), Incident: in.ID, Role: teamRole, Reason: "closed", Channel: ch, At: now.UTC(), Due: now.UTC()}
		c.Message = d.message(in, nil, "closed", now)
		calls = append(calls, c)
	}
	return calls
}

// NextDue is when Due has something to do, if nothing happens before; zero for never.
func (d *Desk) NextDue(in *brand.Incident) (next time.Time) {
	if in.AckBy == "" && in.Kind == brand.Crisis {
		next = in.EscalateAt
	}
	if over(in) {
		if end := lastEnd(in).Add(d.calmFor(in)); next.IsZero() || end.Before(next) {
			next = end
		}
	}
	return next
}

func (d *Desk) calmFor(in *brand.Incident) time.Duration {
	if in.Kind == brand.Opportunity {
		return 24 * time.Hour
	}
	return forgetAfter
}

func lastEnd(in *brand.Incident) (t time.Time) {
	for _, s := range in.Spikes {
		if s.Ended.After(t) {
			t = s.Ended
		}
	}
	return t
}

func (d *Desk) patience(in *brand.Incident) time.Duration {
	if b := d.Shelf.Book(in.Playbook, d.Lang); b != nil {
		return b.EscalateAfter
	}
	return 15 * time.Minute
}
