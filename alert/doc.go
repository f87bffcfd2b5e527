// Package alert runs the crisis desk: it turns spikes into incidents, and incidents into calls to people.
//
// The Desk is pure: it knows the playbooks and the people, and turns a spike into a command for package incident. The
// Loop (run.go) has the clock and the store. It decides from the state, so that a crash between two lines calls
// somebody twice at worst and forgets nobody. Calls are sent beside the loop (deliver.go), so that a slow channel
// delays nobody else. Actions is what people do. notify/ has the channels, assist/ the language models; foreign/ and
// outbound/ keep what strangers wrote and what strangers answer in bounds.
package alert
