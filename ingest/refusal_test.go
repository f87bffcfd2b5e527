package ingest

import (
	"net/http"
	"testing"
	"time"
)

// The text of a server enters an error as one line of visible characters. Fails on e679f07: escape sequences and line
// breaks stood in the error.
func TestAServersWordsAreOneLineOfAnError(t *testing.T) {
	const words = `no\u001b[2J\u001b]0;owned\u0007 \u202ethanks\u202c\u009b1m\nbrandmelder: all is well\u2028calm`
	for _, body := range []string{`{"error":"` + words + `"}`, `{"error":{"message":"` + words + `"}}`} {
		res := &http.Response{StatusCode: http.StatusInternalServerError}
		err := refusal("Lemmy", "", res, []byte(body), time.Now())
		const want = "Lemmy answered 500 Internal Server Error: no[2J]0;owned thanks1m brandmelder: all is well calm"
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}
