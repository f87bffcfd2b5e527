package incident

// Actor is who did something: a person, a user without a place in people.yaml, or the program itself.
type Actor struct {
	ID  string `json:"id"`            // of a person or user
	Via string `json:"via,omitempty"` // how they signed in, in the words of package access
}

// Program is brandmelder itself.
var Program = Actor{ID: "brandmelder"}
