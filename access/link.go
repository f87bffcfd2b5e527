package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Links makes and reads the addresses that calls carry. A link lets one person into one incident, with one role, until
// it expires.
type Links struct {
	Key []byte // 32 bytes
	URL string // where the pages are seen from outside, without / at the end; "": calls carry no link
}

// linkLife is how long a link works.
const linkLife = 14 * 24 * time.Hour

// closedLife is how long after its incident was closed a link works: the last notes are written then.
const closedLife = 24 * time.Hour

// ErrLink is returned for a link that was not made by us, was changed, has expired, or is void: its incident was
// closed more than a day ago, or its person is no longer in people.yaml.
var ErrLink = errors.New("this link is not valid or has expired")

// Link is what a link says.
type Link struct {
	Person   string `json:"p"`
	Incident string `json:"i"`
	Role     Role   `json:"r,omitempty"`
	Until    int64  `json:"u"` // seconds since 1970
}

// Make returns the address for the person. Without a person it is the incident's own, which asks for a sign-in.
func (l Links) Make(person, incident string, role Role, now time.Time) string {
	switch {
	case l.URL == "":
		return ""
	case person == "":
		return l.URL + "/incidents/" + url.PathEscape(incident)
	}
	doc, _ := json.Marshal(Link{person, incident, role, now.Add(linkLife).Unix()}) // strings and a number cannot fail
	token := base64.RawURLEncoding.EncodeToString(doc)
	return l.URL + "/call/" + token + "." + l.sign(token)
}

func (l Links) sign(token string) string {
	h := hmac.New(sha256.New, l.Key)
	h.Write([]byte(token))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Read returns what the token of an address says. Whether the link is void, only Gate.Open knows.
func (l Links) Read(token string, now time.Time) (Link, error) {
	body, signature, ok := strings.Cut(token, ".")
	if !ok || !hmac.Equal([]byte(signature), []byte(l.sign(body))) {
		return Link{}, ErrLink
	}
	doc, err := base64.RawURLEncoding.DecodeString(body)
	var link Link
	if err != nil || json.Unmarshal(doc, &link) != nil || link.Person == "" || link.Incident == "" {
		return Link{}, ErrLink
	}
	if link.Role == "" { // of a version whose links had no role: the incident alone decides
		link.Role = Owner
	}
	if !slices.Contains(linkRoles, link.Role) || now.Unix() > link.Until {
		return Link{}, ErrLink
	}
	return link, nil
}
