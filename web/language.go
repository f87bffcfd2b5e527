package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"brandmelder/i18n"

	"golang.org/x/text/language"
)

// languageCookie keeps the language that a reader chose.
const (
	languageCookie    = "language"
	languageCookieAge = 365 * 24 * 60 * 60 // seconds
)

// matcher finds the language of the catalogue that is closest to what a reader asks for.
var matcher = language.NewMatcher(tags(i18n.Languages()))

func tags(langs []string) (out []language.Tag) {
	for _, lang := range langs {
		out = append(out, language.Make(lang))
	}
	return out
}

// words are the pages in the language of who asks: the chosen one, else the browser's, else the configuration's.
func (s *Server) words(r *http.Request) *words {
	chosen := ""
	if c, err := r.Cookie(languageCookie); err == nil {
		chosen = c.Value
	}
	_, i := language.MatchStrings(matcher, chosen, r.Header.Get("Accept-Language"), s.opt.Desk.Lang)
	return s.readers[i18n.Languages()[i]]
}

// named is a language with its name in itself.
type named struct{ Lang, Name string }

func languages() (out []named) {
	for _, lang := range i18n.Languages() {
		out = append(out, named{lang, i18n.In(lang).T("language.name")})
	}
	return out
}

// chooseLanguage keeps the reader's choice and goes back to the page.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogin)
	if lang := r.PostFormValue("lang"); slices.Contains(i18n.Languages(), lang) {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: lang, Path: "/", MaxAge: languageCookieAge, HttpOnly: true,
			SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.opt.PublicURL, "https:"),
		})
	}
	http.Redirect(w, r, ownPath(r.PostFormValue("back")), http.StatusSeeOther)
	return nil
}

// ownPath is a path of this server, "/" if the text is anything else: nobody is led elsewhere.
func ownPath(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "/"
	}
	return (&url.URL{Path: u.Path}).String()
}

// back is where the choice of a language leads: the page itself, or the first one where a form was sent.
func back(r *http.Request) string {
	if r.Method != http.MethodGet {
		return "/"
	}
	return r.URL.EscapedPath()
}
