package ingest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
)

var accountKey = sync.OnceValues(func() (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
})

// serviceAccount returns a key in the form of the Google Cloud console.
func serviceAccount(t *testing.T) string {
	t.Helper()
	key, err := accountKey()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "bot@acme.iam.gserviceaccount.com", "private_key_id": "1", "private_key": key, "token_uri": "http://service.test/token"})
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func servePlaystore(w *world) http.Handler {
	mux, keys := http.NewServeMux(), &tokens{}
	mux.HandleFunc("POST /token", func(rw http.ResponseWriter, r *http.Request) {
		if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || r.FormValue("assertion") == "" {
			http.Error(rw, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		writeJSON(rw, obj{"access_token": keys.give(), "token_type": "Bearer", "expires_in": 3599})
	})
	mux.HandleFunc("GET /androidpublisher/v3/applications/com.acme/reviews", func(rw http.ResponseWriter, r *http.Request) {
		if !keys.holds(r, 0) {
			http.Error(rw, `{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}`, http.StatusUnauthorized)
			return
		}
		ps, more := w.newest(number(r.FormValue("token")), number(r.FormValue("maxResults")))
		doc := obj{"reviews": each(w.shuffled(ps), func(p post) any {
			return obj{"reviewId": fmt.Sprint("r", p.n), "authorName": p.author(), "comments": arr{obj{"userComment": obj{
				"text": "Titel\t" + p.text, "lastModified": obj{"seconds": strconv.FormatInt(p.at.Unix(), 10), "nanos": 1}, "starRating": 1, "reviewerLanguage": "de", "appVersionName": "1.2",
			}}, obj{"developerComment": obj{"text": "Danke"}}}}
		})}
		if more {
			doc["tokenPagination"] = obj{"nextPageToken": strconv.Itoa(ps[len(ps)-1].n)}
		}
		writeJSON(rw, doc)
	})
	return mux
}
