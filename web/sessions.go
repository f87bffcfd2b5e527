package web

import (
	"net/http"
	"strings"

	"brandmelder/access"
)

// cookieName names the cookie of sessions. Where the pages travel encrypted, no other host can set it.
func cookieName(publicURL string) string {
	if strings.HasPrefix(publicURL, "https:") {
		return "__Host-brandmelder"
	}
	return "brandmelder"
}

// begin gives the visitor a new session, and ends the one before it. A session that is not kept ends with the browser.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, secret string, kept bool) error {
	if err := s.end(r, false); err != nil {
		return err
	}
	age := 0
	if kept {
		age = int(access.SessionLife.Seconds())
	}
	s.setCookie(w, secret, age)
	return nil
}

// end ends the visitor's session; with all, those of the same owner too.
func (s *Server) end(r *http.Request, all bool) error {
	for _, c := range r.CookiesNamed(s.cookie) {
		if err := s.gate.SignOut(r.Context(), c.Value, all); err != nil {
			return err
		}
	}
	return nil
}

// setCookie sets the cookie of sessions. Scripts cannot read it, and forms of other sites do not send it.
func (s *Server) setCookie(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.cookie, "__Host-"),
	})
}
