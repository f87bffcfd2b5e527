// Package people knows the company: its people and departments, who is on duty, who may speak, who could help. It is
// pure; times are parameters.
package people
