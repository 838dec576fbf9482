package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tload/stats"
	"tload/stats/exchange"
	"tload/swarm"
	"tload/tui/draw"
)

// opened is the exchange screen with x as the newest sample of the first group.
func opened(t *testing.T, w, h int, x *stats.Exchange, change func(s *swarm.Snapshot)) *person {
	t.Helper()
	p := sit(t, w, h, Options{})
	p.load.set(func(s *swarm.Snapshot) {
		g := *s.Groups[0]
		g.Samples = []*stats.Exchange{x}
		s.Groups = append([]*stats.Group{&g}, s.Groups[1:]...)
		if change != nil {
			change(s)
		}
	})
	p.m.attach(p.load)
	p.press("4 enter enter")
	return p
}

func replied(contentType, body string) *stats.Exchange {
	x := cartExchange(0)
	x.Response = stats.Part{Head: []byte("HTTP/1.1 503 Service Unavailable\r\nContent-Type: " + contentType + "\r\n\r\n"), Body: []byte(body), Size: int64(len(body)), Expected: -1}
	return x
}

func TestABodyIsWhatItIsNotWhatItsLabelSays(t *testing.T) {
	for _, c := range []struct{ name, kind, body, lines, note string }{
		{"valid", "application/json", `{"a":1,"b":2}`, "{|  \"a\": 1,|  \"b\": 2|}", "JSON, shown indented"},
		{"a number is JSON too", "application/json", `12`, "12", "JSON, shown indented"},
		{"not JSON at all", "application/json", "not gzip at all", "not gzip at all", "application/json, but it is not JSON"},
		{"broke off", "application/json", `{"a":1,"b":[2,`, "{|  \"a\": 1,|  \"b\": [|    2,|    ", "JSON breaks off at line 5: shown as far as it goes"},
		{"wrong in the middle", "application/json", `{"a":1,"b":nope, really}`, "{|  \"a\": 1,|  \"b\": nope, really}", "JSON is not valid from line 3: the rest as it came"},
		{"two values", "application/json", "{\"a\":1}\n{\"b\": 2}", "{|  \"a\": 1|}{\"b\": 2}", "JSON is not valid from line 3: the rest as it came"},
		{"text that begins like JSON", "text/plain", "[1] it failed", "[1] it failed", "text/plain"},
		{"JSON that calls itself text", "text/plain", `{"a":1}`, "{|  \"a\": 1|}", "JSON, shown indented"},
	} {
		d := docKey{x: replied(c.kind, c.body)}.read(exchange.NewMasker())
		if got := strings.Join(d.lines, "|"); got != c.lines || d.kind != c.note {
			t.Errorf("%s: got %q (%s), want %q (%s)", c.name, got, d.kind, c.lines, c.note)
		}
	}
	p := opened(t, 80, 24, replied("application/json", `{"error":"broken",`), nil)
	p.want("JSON breaks off at line 3")
}

func TestARunFromAFileHoldsNoSecrets(t *testing.T) {
	x := replied("application/json", `{"token":"***","ok":1}`)
	x.Response.Size = 36
	p := opened(t, 100, 30, x, func(s *swarm.Snapshot) { s.State = swarm.Stopped })
	p.want("secrets are masked in this file (36 bytes arrived)")
	p.wantNot("cut:")
	p.press("R")
	p.want("this file holds no secrets")
	if p.m.reveal {
		t.Error("R shows secrets that are not there")
	}
	p = opened(t, 100, 30, x, nil)
	p.want("cut: 22 of 36 bytes kept")
}

func TestBytesBehindTheReplyAreSaid(t *testing.T) {
	x := replied("text/plain", "hi")
	p := opened(t, 80, 24, x, nil)
	p.wantNot("too many")
	x = replied("text/plain", "hi")
	x.Surplus = 1234
	p = opened(t, 80, 24, x, nil)
	p.want("1 234 B too many behind it")
}

func TestTimingShowsOnlyWhatHappened(t *testing.T) {
	x := cartExchange(0)
	x.Kind, x.Status, x.Message, x.Response = stats.Reset, 0, "read: connection reset by peer", stats.Part{Expected: -1}
	x.Took = 6900 * time.Microsecond
	x.Conn.TLS = ""
	x.Phases = stats.Phases{Connect: 100 * time.Microsecond, Write: 100 * time.Microsecond, Body: 6700 * time.Microsecond}
	p := opened(t, 100, 30, x, nil)
	p.press("tab tab")
	p.want("TCP connect", "request written", "waited 6.7 ms for the first byte, then reset")
	p.wantNot("body read", "DNS  ", "TLS handshake")

	x.Message, x.Conn.Reused, x.Phases = "the server reset the connection waiting for the first byte", true, stats.Phases{}
	p = opened(t, 100, 30, x, nil)
	p.press("tab tab")
	p.want("reused", "waited 6.9 ms for the first byte, then reset")

	x.Message = "no such host"
	x.Kind, x.Phases, x.Took, x.Conn = stats.DNS, stats.Phases{}, 3*time.Second, stats.ConnInfo{}
	p = opened(t, 100, 30, x, nil)
	p.press("tab tab")
	p.want("the name did not resolve")
	p.wantNot("TCP connect", "request written", "first byte", "body read")
}

func TestABrokenHeadIsShownAsReceived(t *testing.T) {
	x := cartExchange(0)
	x.Kind, x.Status, x.Message = stats.Protocol, 0, "malformed reply: bad header line"
	x.Response = stats.Part{Head: []byte("HTTP/1.1 200 OK\r\nSet-Cookie: session=s3cr3t\r\nno colon\r\n\r\n{\"token\":\"hunter2\",\"sign\":\"body\"}\r\nX: y"), Expected: -1}
	p := opened(t, 80, 24, x, nil)
	p.want("no colon", `"sign":"body"`, "bytes as received: the head is not valid")
	p.wantNot("(no body)", "s3cr3t", "hunter2")
	p.press("tab tab tab")
	p.want("as received:", "no colon", `"sign":"body"`)
	p.wantNot("s3cr3t", "hunter2")
}

// TestColoursNeverChangeABody, whatever it is and however much of it is coloured; what is
// made to be slow ends all the same.
func TestColoursNeverChangeABody(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s, mostColour/len(s)) }
	for _, c := range []struct{ name, kind, body, want string }{
		{"JSON", "application/json", `{"a": [1, true, "x\"y"]}`, draw.Name.Render(`"a"`) + `: [`},
		{"HTML", "text/html", "<html>\n<body class=\"x\">&amp; é</body>", draw.Name.Render("html")},
		{"XML", "text/xml", "<?xml version=\"1.0\"?>\n<!-- a\nb --><a b='c'>d</a>", draw.Dim.Render("<!-- a")},
		{"HTML by its look", "", "<!DOCTYPE html><p>x</p>", draw.Name.Render("p")},
		{"no kind", "text/plain", "12 true", ""},
		{"broken JSON", "application/json", `{"a": [1, `, draw.Name.Render(`"a"`)},
		{"control characters", "application/json", "{\"a\": \"\x1b[31m\u202e\x00\"}", ""},
		{"an end in a character", "text/html", "<p>\xe4\xb8", ""},
		{"open tags", "text/html", many("<"), ""},
		{"quotes", "application/json", many("\""), ""},
		{"brackets", "application/json", many("["), ""},
		{"backslashes", "application/json", "\"" + many("\\"), ""},
		{"scripts", "text/html", many("<script>/*"), ""},
		{"comments", "text/xml", many("<!-"), ""},
		{"entities", "text/xml", many("&"), ""},
	} {
		d := docKey{x: replied(c.kind, c.body), raw: true}.read(exchange.NewMasker())
		all := ""
		for i, l := range d.lines {
			if got := draw.Strip(d.line(i)); got != l {
				t.Errorf("%s: line %d is %.80q, want %.80q", c.name, i, got, l)
			}
			all += d.line(i) + "\n"
		}
		if !strings.Contains(all, c.want) {
			t.Errorf("%s: no %q in %.300q", c.name, c.want, all)
		}
	}
}

// BenchmarkBody is what making a body ready costs, a preview first.
//
//	go test ./tui -run XXX -bench Body
func BenchmarkBody(b *testing.B) {
	for _, size := range []int{8 << 10, 64 << 10, 1 << 20} {
		body := "[" + strings.Repeat(`{"id": 12345, "name": "a name", "ok": true},`, size/45) + `{}]`
		for _, preview := range []bool{true, false} {
			b.Run(fmt.Sprintf("%dKiB/preview=%v", size>>10, preview), func(b *testing.B) {
				x := replied("application/json", body)
				b.ReportAllocs()
				for b.Loop() {
					docKey{x: x, preview: preview}.read(exchange.NewMasker())
				}
			})
		}
	}
}
