package tui

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"tload/stats"
	"tload/stats/exchange"
	"tload/tui/draw"
)

// FuzzFit: whatever text there is, it takes the room that it was given.
func FuzzFit(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff\t\u0301")
	f.Fuzz(func(t *testing.T, s string) {
		if w := draw.Width(draw.Fit(clean(s), 20)); w != 20 {
			t.Fatalf("%q fits 20 as %d", s, w)
		}
	})
}

func TestHowABodyBegins(t *testing.T) {
	m := &model{secrets: exchange.NewMasker()}
	text := `{"error":  "pool\nexhausted", "password":"hunter2"}`
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	for _, c := range []struct {
		coding, body, want string
		ok                 bool
	}{
		{"", text, `{"error": "pool\nexhausted", "password":"***"}`, true},
		{"gzip", b.String(), `{"error": "pool\nexhausted", "password":"***"}`, true},
		{"gzip", b.String()[5:], "", false},
		{"", "\x89PNG\x00", "", false},
		{"", " \r\n", "", true},
	} {
		x := &stats.Exchange{Response: stats.Part{Head: []byte("HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Encoding: " + c.coding + "\r\n\r\n"), Body: []byte(c.body)}}
		if got, ok := m.bodyStart(x); got != c.want || ok != c.ok {
			t.Errorf("%q %.20q: got %q, %v", c.coding, c.body, got, ok)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{thousands(0), "0"}, {thousands(999), "999"}, {thousands(1000), "1 000"}, {thousands(uint64(1234567)), "1 234 567"}, {thousands(-4321), "-4 321"},
		{rate(0), "0"}, {rate(.04), "0.0"}, {rate(9.94), "9.9"}, {rate(9.96), "10"}, {rate(4812.4), "4 812"},
		{draw.Short(950), "950"}, {draw.Short(4812), "4.8k"}, {draw.Short(1e6), "1.0M"}, {draw.Short(99960), "100k"}, {draw.Short(0), "0"}, {draw.Short(.25), "0.25"},
		{millis(0), "-"}, {millis(420 * time.Microsecond), "0.42"}, {millis(3100 * time.Microsecond), "3.1"}, {millis(23 * time.Millisecond), "23"}, {millis(1204 * time.Millisecond), "1 204"},
		{phase(12940 * time.Microsecond), "12.9"}, {phase(1204 * time.Millisecond), "1 204.0"},
		{percent(0), "0.0"}, {percent(.01), "<0.1"}, {percent(8.44), "8.4"},
		{size(97), "97 B"}, {size(1230), "1.2 KiB"}, {size(4.1 * (1 << 20)), "4.1 MiB"}, {size(64 << 20), "64 MiB"},
		{clock(134 * time.Second), "02:14"}, {clock(3661 * time.Second), "1:01:01"}, {clock(-1), "00:00"},
		{typed(10 * time.Minute), "10m"}, {typed(time.Hour + 20*time.Minute), "1h20m"}, {typed(90 * time.Second), "1m30s"}, {typed(0), ""},
		{draw.CutMiddle("/api/v2/orders/items/[id]", 15), "/api/v2…ms/[id]"}, {draw.CutMiddle("short", 15), "short"},
		{draw.Bar(.5, 4), "██"}, {draw.Bar(.0001, 4), "▏"}, {draw.Bar(0, 4), ""}, {draw.Bar(2, 3), "███"},
		{draw.Spark([]float64{0, 1, 2, 4, 8}, 5), "▁▁▂▄█"}, {draw.Spark([]float64{0, 0}, 2), "  "}, {draw.Spark([]uint32{1}, 3), "  █"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestStatusPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern string
		status  int
		want    bool
	}{{"503", 503, true}, {"5xx", 503, true}, {"50x", 503, true}, {"4xx", 503, false}, {"5", 503, false}} {
		if got := matchStatus(c.pattern, c.status); got != c.want {
			t.Errorf("%s %d: got %v", c.pattern, c.status, got)
		}
	}
}
