package hostile

import (
	"fmt"
	"strings"
)

// request is a request to the pages, as bytes. Each line of heads ends with \r\n.
func request(line, heads, body string) []byte {
	return []byte(line + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + heads + "\r\n" + body)
}

func sized(body string) string { return fmt.Sprintf("Content-Length: %d\r\n", len(body)) }

const formHead = "Content-Type: application/x-www-form-urlencoded\r\n"

// webShapes are bytes on a connection to the pages.
var webShapes = []struct {
	name string
	make func(g *Gen) Load
}{
	{"giant-cookie", func(*Gen) Load {
		return Load{Body: request("GET /", "Cookie: brandmelder="+long(1<<20)+"\r\n", "")}
	}},
	{"many-cookies", func(*Gen) Load {
		return Load{Body: request("GET /topics", "Cookie: "+strings.Repeat("a=b; ", 8_000)+"\r\n", ""), Harmless: true}
	}},
	{"many-heads", func(*Gen) Load { return Load{Body: request("GET /", strings.Repeat("X-A: b\r\n", 200_000), "")} }},
	{"giant-head", func(*Gen) Load { return Load{Body: request("GET /", "X-"+long(4<<20)+": b\r\n", "")} }},
	{"giant-token", func(*Gen) Load {
		return Load{Body: request("GET /api/v1/topics", "Authorization: Bearer "+long(50_000)+"\r\n", "")}
	}},
	{"giant-path", func(*Gen) Load { return Load{Body: request("GET /topics/"+strings.Repeat("%41", 1<<20), "", "")} }},
	{"deep-path", func(*Gen) Load {
		return Load{Body: request("GET "+strings.Repeat("/..", 15_000), "", ""), Harmless: true}
	}},
	{"giant-link", func(*Gen) Load { return Load{Body: request("GET /call/"+strings.Repeat("A", 50_000), "", "")} }},
	{"bad-percent", func(*Gen) Load { return Load{Body: request("GET /topics/%zz%", "", "")} }},
	{"nul-in-path", func(*Gen) Load { return Load{Body: request("GET /topics/%00%ff", "", ""), Harmless: true} }},
	{"up-from-static", func(*Gen) Load { return Load{Body: request("GET /static/..%2f..%2f..%2fetc/passwd", "", "")} }},
	{"trace", func(*Gen) Load { return Load{Body: request("TRACE /", "", "")} }},
	{"unknown-method", func(*Gen) Load { return Load{Body: request(strings.Repeat("A", 10_000)+" /", "", "")} }},
	{"connect", func(*Gen) Load { return Load{Body: request("CONNECT 169.254.169.254:80", "", "")} }},
	{"put-on-a-page", func(*Gen) Load { return Load{Body: request("PUT /topics", sized("x"), "x")} }},
	{"not-http", func(g *Gen) Load { return Load{Body: append(g.noise(1<<16), "\r\n\r\n"...)} }},
	{"http-2-preface", func(*Gen) Load { return Load{Body: []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")} }},
	{"two-lengths", func(*Gen) Load {
		return Load{Body: request("POST /login", "Content-Length: 1\r\nContent-Length: 2\r\n", "ab")}
	}},
	{"length-2^64", func(*Gen) Load {
		return Load{Body: request("POST /api/v1/mentions", "Content-Length: 18446744073709551616\r\n", "x")}
	}},
	{"length-minus-one", func(*Gen) Load {
		return Load{Body: request("POST /api/v1/mentions", "Content-Length: -1\r\n", "x")}
	}},
	{"smuggled", func(*Gen) Load {
		return Load{Body: request("POST /login", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
			"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Harmless: true}
	}},
	{"bad-chunks", func(*Gen) Load {
		return Load{Body: request("POST /login", formHead+"Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\nx")}
	}},
	{"chunks-of-one-byte", func(*Gen) Load {
		return Load{Body: request("POST /login", formHead+"Transfer-Encoding: chunked\r\n",
			strings.Repeat("1\r\na\r\n", 300_000)+"0\r\n\r\n")}
	}},
	{"giant-form", func(*Gen) Load {
		body := "password=" + long(7<<20)
		return Load{Body: request("POST /login", formHead+sized(body), body)}
	}},
	{"many-fields", func(*Gen) Load {
		body := strings.Repeat("a=b&", 1_500_000)
		return Load{Body: request("POST /login", formHead+sized(body), body)}
	}},
	{"bad-form", func(*Gen) Load {
		body := "%zz=%&&;=" + strings.Repeat("%", 100_000)
		return Load{Body: request("POST /login", formHead+sized(body), body)}
	}},
	{"many-parts", func(*Gen) Load {
		body := strings.Repeat("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n", 100_000) + "--b--\r\n"
		return Load{Body: request("POST /login", "Content-Type: multipart/form-data; boundary=b\r\n"+sized(body), body)}
	}},
	{"form-from-elsewhere", func(*Gen) Load {
		heads := formHead + "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n"
		return Load{Body: request("POST /login", heads+sized("password=x"), "password=x")}
	}},
	{"proxy-heads", func(*Gen) Load {
		return Load{Body: request("GET /metrics", "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n", "")}
	}},
	{"unsigned-hook", func(*Gen) Load { return Load{Body: request("POST /hooks/hook", sized("{}"), "{}")} }},
	{"badly-signed-hook", func(*Gen) Load {
		heads := "X-Hub-Signature-256: sha256=" + strings.Repeat("zz", 20_000) + "\r\n"
		return Load{Body: request("POST /hooks/hook", heads+sized("{}"), "{}")}
	}},
	{"unknown-hook", func(*Gen) Load {
		return Load{Body: request("POST /hooks/"+strings.Repeat("%2f", 10_000), sized("{}"), "{}")}
	}},
	{"slow-heads", func(*Gen) Load {
		return Load{Body: request("GET /", "X-A: "+long(1_000)+"\r\n", "")[:900], Pace: slowly, Times: 50}
	}},
	{"slow-body", func(*Gen) Load {
		return Load{Body: request("POST /login", formHead+"Content-Length: 100000\r\n", long(2_000)), Pace: slowly, Times: 50}
	}},
	{"idle-connections", func(*Gen) Load { return Load{Body: []byte("G"), Pace: slowly, Times: 100} }},
}

func webInputs() (out []Input) {
	for _, s := range webShapes {
		out = append(out, Input{Web, s.name, s.make})
	}
	return out
}

// webSubShapes go to the callback of a feed's hub. Method and query stand in the heads "method" and "query";
// "sign" says how the body is signed: right, wrong or not at all. What is signed wrongly is answered as what is
// right, as the standard wants it, so an answer says nothing; that the feed still brings what is new does.
var webSubShapes = []struct {
	name string
	make func(g *Gen) Load
}{
	{"giant-challenge", func(*Gen) Load { return asked("hub.mode=subscribe&hub.challenge="+long(60_000), true) }},
	{"other-topic", func(*Gen) Load {
		return asked("hub.mode=subscribe&hub.topic=https%3A%2F%2Fevil.example&hub.challenge=x", false)
	}},
	{"unsubscribe", func(*Gen) Load { return asked("hub.mode=unsubscribe&hub.challenge=x", false) }},
	{"lease-2^64", func(*Gen) Load {
		return asked("hub.mode=subscribe&hub.lease_seconds=18446744073709551616&hub.challenge=x", true)
	}},
	{"lease-1e400", func(*Gen) Load { return asked("hub.mode=subscribe&hub.lease_seconds=1e400&hub.challenge=x", true) }},
	{"lease-below-zero", func(*Gen) Load {
		return asked("hub.mode=subscribe&hub.lease_seconds=-1&hub.challenge=x", true)
	}},
	{"markup-in-challenge", func(*Gen) Load {
		return asked("hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.challenge=y", true)
	}},
	{"bad-query", func(*Gen) Load { return asked("hub.mode=%zz&;;&=&"+strings.Repeat("&", 30_000), false) }},
	{"signed-noise", func(g *Gen) Load { return answered(g.noise(1<<20), "right") }},
	{"signed-empty", func(*Gen) Load { return answered(nil, "right") }},
	{"signed-deep", func(*Gen) Load { return answered([]byte(strings.Repeat("<a>", 1_000_000)), "right") }},
	{"signed-bomb", func(*Gen) Load {
		l := answered(bomb("", "<a>", "", 100<<20), "right")
		l.Header["Content-Encoding"] = "gzip"
		return l
	}},
	{"signed-wrongly", func(*Gen) Load { return answered([]byte("x"), "sha1=zz") }},
	{"signed-with-none", func(*Gen) Load { return answered([]byte("x"), "none=") }},
	{"giant-signature", func(*Gen) Load { return answered([]byte("x"), "sha256="+strings.Repeat("ab", 25_000)) }},
	{"beyond-the-limit", func(*Gen) Load { return answered([]byte(long(11<<20)), "right") }},
	{"slow", func(*Gen) Load { l := answered([]byte(long(1_000)), "right"); l.Pace = slowly; return l }},
}

func asked(query string, harmless bool) Load {
	return Load{Header: map[string]string{"method": "GET", "query": query}, Harmless: harmless}
}

func answered(body []byte, sign string) Load {
	return Load{Body: body, Header: map[string]string{"method": "POST", "sign": sign}, Harmless: true}
}

func webSubInputs() (out []Input) {
	for _, s := range webSubShapes {
		out = append(out, Input{WebSub, s.name, s.make})
	}
	return out
}
