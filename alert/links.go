package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Links signs the addresses that calls carry: who has one is the person it was made for, in that incident, until it runs out.
type Links struct {
	Key []byte // 32 bytes
	URL string // where the pages are seen from outside, without / at the end; empty: calls carry no link
}

// linkLife is how long a link works.
const linkLife = 14 * 24 * time.Hour

// ErrBadLink is returned for a link that is not ours, was changed or has run out.
var ErrBadLink = errors.New("this link is not valid or has run out")

// Pass is what a link says.
type Pass struct {
	Person   string `json:"p"`
	Incident string `json:"i"`
	Until    int64  `json:"u"` // seconds since 1970
}

// Make returns a link for the person.
func (l Links) Make(person, incident string, now time.Time) string {
	if l.URL == "" || person == "" {
		if l.URL == "" {
			return ""
		}
		return l.URL + "/incidents/" + incident
	}
	doc, _ := json.Marshal(Pass{person, incident, now.Add(linkLife).Unix()}) // strings and a number cannot fail
	token := base64.RawURLEncoding.EncodeToString(doc)
	return l.URL + "/call/" + token + "." + l.sign(token)
}

func (l Links) sign(token string) string {
	h := hmac.New(sha256.New, l.Key)
	h.Write([]byte(token))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Open reads a link's token.
func (l Links) Open(token string, now time.Time) (Pass, error) {
	body, sig, ok := strings.Cut(token, ".")
	if !ok || !hmac.Equal([]byte(sig), []byte(l.sign(body))) {
		return Pass{}, ErrBadLink
	}
	doc, err := base64.RawURLEncoding.DecodeString(body)
	var p Pass
	if err != nil || json.Unmarshal(doc, &p) != nil || now.Unix() > p.Until {
		return Pass{}, ErrBadLink
	}
	return p, nil
}
