// Package alert answers: it is the crisis desk. A spike opens or joins an incident, finds its playbook and its people, and
// calls them until somebody answers.
//
// The Desk is pure: it says what an incident becomes and whom to call. run.go has the loop: it works from state, not from events, so that a
// crash between two lines calls somebody twice at worst and forgets nobody. A channel is one file and its line in the table kinds. Nothing is
// published by this room: it drafts, and people decide (actions.go).
package alert
