package tui

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/swarm"
	"tload/swarm/health"
	"tload/tui/draw"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// fakeLoad is a run that stands still and notes what it is told.
type fakeLoad struct {
	mu    sync.Mutex
	snap  *swarm.Snapshot
	calls []string
	done  chan struct{}
}

func newFake(s *swarm.Snapshot) *fakeLoad { return &fakeLoad{snap: s, done: make(chan struct{})} }

func (f *fakeLoad) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeLoad) told() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, ", ")
}

func (f *fakeLoad) Snapshot() *swarm.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.snap
}

func (f *fakeLoad) set(change func(s *swarm.Snapshot)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, in := *f.snap, *f.snap.Snapshot
	s.Snapshot = &in
	change(&s)
	f.snap = &s
}

func (f *fakeLoad) Scale(n int, who string)       { f.note("scale %d %s", n, who) }
func (f *fakeLoad) SetRate(r float64, who string) { f.note("arrivals %g %s", r, who) }
func (f *fakeLoad) SetWeight(b string, task, w int, who string) {
	f.note("weight %s %d %d %s", b, task, w, who)
}
func (f *fakeLoad) FollowShape()           { f.note("shape") }
func (f *fakeLoad) SetSpawnRate(r float64) { f.note("rate %g", r) }
func (f *fakeLoad) Pause(on bool)          { f.note("pause %v", on) }
func (f *fakeLoad) Stop(why string)        { f.note("stop %s", why) }
func (f *fakeLoad) Reset(n string)         { f.note("reset %s", n) }
func (f *fakeLoad) Mark(n string)          { f.note("mark %s", n) }
func (f *fakeLoad) Done() <-chan struct{}  { return f.done }
func (f *fakeLoad) History(_ context.Context, k stats.Key) []stats.Second {
	f.note("history %s %s", k.Method, k.Name)
	return f.snap.Seconds
}

var start = time.Date(2026, 3, 4, 2, 0, 0, 0, time.UTC)

func latency(n uint64, p50, p95, p99, top float64) stats.Latency {
	ms := func(v float64) time.Duration { return time.Duration(v * 1e6) }
	return stats.Latency{
		Count: n, Min: ms(p50 / 3), Mean: ms(p50 * 1.4), Max: ms(top),
		P50: ms(p50), P66: ms(p50 * 1.3), P75: ms(p50 * 1.5), P80: ms(p50 * 1.8), P90: ms(p95 * .8), P95: ms(p95), P98: ms(p99 * .9), P99: ms(p99), P999: ms(top * .9), P9999: ms(top),
	}
}

func row(method, name string, reqs, fails uint64, p50, p95, p99, top float64) stats.Row {
	sum := func(share uint64, span time.Duration) stats.Summary {
		s := stats.Summary{
			Span: span, Requests: reqs / share, Failures: fails / share, In: reqs / share * 1200, Out: reqs / share * 300,
			OK: latency((reqs-fails)/share, p50, p95, p99, top), Due: reqs / share,
		}
		s.Latency = s.OK
		s.RPS = float64(s.Requests) / span.Seconds()
		s.FailRate = float64(s.Failures) / span.Seconds()
		s.Outcomes = []stats.Outcome{{Kind: stats.OK, Status: 200, Count: s.Requests - s.Failures}}
		if fails > 0 {
			s.Outcomes = append(s.Outcomes, stats.Outcome{Kind: stats.HTTP, Status: 503, Count: s.Failures})
			s.Failed = latency(s.Failures, p99, top, top, top)
		}
		for i, to := range []time.Duration{10, 20, 50, 100, 200, 500} {
			s.Bars = append(s.Bars, stats.Bar{To: to * time.Millisecond, Count: s.Requests / uint64(i+2)})
		}
		return s
	}
	r := stats.Row{Key: stats.Key{Method: method, Name: name}, Run: sum(1, 134*time.Second), Window: sum(13, 10*time.Second)}
	r.Shown = r.Run
	for i := range 60 {
		r.Trend = append(r.Trend, float64(i*int(reqs)/6000))
	}
	return r
}

const head503 = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nX-Request-Id: 7f0c1a52\r\nSet-Cookie: session=s3cr3t\r\n\r\n"

// cartExchange is the failure that most tests look at.
func cartExchange(i int) *stats.Exchange {
	body := fmt.Sprintf(`{"error":"pool exhausted","pool":"pg-main","waiting":412,"token":"hunter2","big":12345678901234567890,"request_id":"nonce-%04d"}`, i)
	sent := `{"product":7,"password":"hunter2"}`
	return &stats.Exchange{
		When: start.Add(time.Minute + time.Duration(i)*911*time.Millisecond), Key: stats.Key{Method: "POST", Name: "/cart"}, Kind: stats.HTTP, Status: 503,
		Message: "503 Service Unavailable", User: 100 + i, Behaviour: "Checkout", Task: "add_to_cart", Iteration: 3, URL: "https://shop.example.test/cart?api_key=hunter2",
		Request: stats.Part{
			Head: []byte("POST /cart?api_key=hunter2 HTTP/1.1\r\nHost: shop.example.test\r\nUser-Agent: tload\r\nAuthorization: Bearer hunter2\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n"),
			Body: []byte(sent), Size: int64(len(sent)), Expected: int64(len(sent)),
		},
		Response: stats.Part{Head: []byte(head503), Body: []byte(body), Size: int64(len(body)), Expected: int64(len(body))},
		Took:     1204 * time.Millisecond,
		Phases:   stats.Phases{DNS: 400 * time.Microsecond, Connect: 1100 * time.Microsecond, TLS: 12900 * time.Microsecond, Write: 100 * time.Microsecond, FirstByte: 1174 * time.Millisecond, Body: 15200 * time.Microsecond},
		Conn:     stats.ConnInfo{Local: "10.0.0.4:51022", Remote: "10.0.3.17:443", TLS: "TLS 1.3", Proto: "HTTP/1.1"},
	}
}

// spread is n latencies, half of them about mid and fewer up to high, in milliseconds.
func spread(mid, high float64, n uint32) *stats.Spread {
	s := new(stats.Spread)
	for i := range s {
		switch ms := float64(stats.SpreadBound(i)) / 1e6; {
		case ms > mid/2 && ms < mid*1.5:
			s[i] = n / 20
		case ms >= mid*1.5 && ms < high*1.5:
			s[i] = n / 100
		}
	}
	return s
}

func snapshot() *swarm.Snapshot {
	s := &stats.Snapshot{Elapsed: 134 * time.Second, InFlight: 42, CaptureOf: 64 << 20, Captured: 11 << 20}
	s.Total = row("", "", 644808, 12251, 23, 118, 640, 4950)
	s.Rows = []stats.Row{
		row("GET", "/", 254880, 0, 12, 31, 88, 402), row("GET", "/products/[id]", 194970, 89, 25, 77, 190, 611),
		row("POST", "/cart", 116004, 9744, 44, 310, 1204, 3011), row("POST", "/checkout", 41702, 2418, 120, 640, 1877, 4950),
		row("GET", "/api/v2/catalogue/categories/[id]/items/[id]/availability", 37252, 0, .61, 1.4, 3.3, 7.2),
	}
	for i := range 134 {
		t := float64(i)
		s.Seconds = append(s.Seconds, stats.Second{
			At: time.Duration(i) * time.Second, Span: time.Second, OK: uint64(1000 + 28*i), Failed: uint64(i / 2), In: 4 << 20, Out: 1 << 20,
			P50: time.Duration(23e6), P95: time.Duration((60 + t) * 1e6), P99: time.Duration((200 + 3*t) * 1e6), P999: time.Second, Max: 2 * time.Second,
			Users: min(i*20, 200), Target: 200, Suspect: i >= 80 && i < 84, Spread: spread(23, 60+t, uint32(1000+28*i)), FailedSpread: spread(400, 900, uint32(i/2)),
		})
	}
	s.Marks = []stats.Mark{{At: 100 * time.Second, Name: "deploy"}}
	s.Segments = []stats.Segment{{Name: "ramp", To: 10 * time.Second}, {Name: "steady", From: 10 * time.Second}}
	cart := &stats.Group{ID: 1, Key: stats.GroupKey{Key: stats.Key{Method: "POST", Name: "/cart"}, Kind: stats.HTTP, Status: 503}, Message: "503 Service Unavailable", Count: 9701, Rate: 71, First: start.Add(72 * time.Second), Last: start.Add(134 * time.Second), Users: 150,
		Variants: []stats.Variant{{Message: "503 Service Unavailable", Count: 9650}, {Message: "503 upstream timeout", Count: 51}}}
	for i := range 12 {
		cart.Samples = append(cart.Samples, cartExchange(i))
	}
	cart.Samples[5].Message = "503 upstream timeout"
	reset := &stats.Group{ID: 2, Key: stats.GroupKey{Key: stats.Key{Method: "POST", Name: "/checkout"}, Kind: stats.Reset}, Message: "read: connection reset by peer", Count: 2375, Rate: 17, First: start.Add(20 * time.Second), Last: start.Add(134 * time.Second), Users: 120}
	check := &stats.Group{ID: 3, Key: stats.GroupKey{Key: stats.Key{Method: "GET", Name: "/search"}, Kind: stats.Check}, Message: "expected .items, got null", Count: 175, Rate: 3, First: start.Add(90 * time.Second), Last: start.Add(130 * time.Second), Users: 200}
	for i := range 60 {
		cart.Trend = append(cart.Trend, uint32(i))
		reset.Trend = append(reset.Trend, uint32(i/3))
		check.Trend = append(check.Trend, uint32(i%2))
	}
	png := cartExchange(0)
	png.Kind, png.Status, png.Message = stats.Reset, 0, "read: connection reset by peer"
	png.Key = reset.Key.Key
	png.Response = stats.Part{Head: []byte("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n"), Body: []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x80\x00\x00\x01\xe0"), Size: 401223, Expected: 500000, SHA256: []byte{0x19, 0xac, 1, 2, 3}}
	reset.Samples = []*stats.Exchange{png}
	s.Groups = []*stats.Group{cart, reset, check}
	for _, g := range s.Groups {
		g.Shown, g.Window = g.Count, g.Count/13
	}
	s.Recent = []*stats.Exchange{cart.Samples[9], png, cart.Samples[11]}
	ok := cartExchange(99)
	ok.Kind, ok.Status, ok.Message = stats.OK, 201, ""
	ok.Response = stats.Part{Head: []byte("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n"), Body: []byte(`{"ok":true,"pool":"pg-main"}`), Size: 28, Expected: 28}
	s.Success = map[stats.Key]*stats.Exchange{ok.Key: ok}
	return &swarm.Snapshot{
		Snapshot: s, Taken: start.Add(134 * time.Second), State: swarm.Running, Host: "https://shop.example.test", RunID: "20260304-020000", Started: start, RunTime: 10 * time.Minute,
		Target: 200, SpawnRate: 20, Running: 200, Peak: 200,
		Behaviours: []swarm.BehaviourView{
			{Name: "BrowsingUser", Weight: 3, Want: 75, Got: 75, Running: 150, Tasks: []swarm.TaskView{
				{Name: "browse", Weight: 5, Want: 50, Got: 50.3, Runs: 88412, Mean: 212 * time.Millisecond},
				{Name: "buy", Weight: 3, Set: true, Want: 30, Got: 29.6},
				{Name: "buy/cart", Depth: 1, Turn: true, Runs: 2000, Failed: 12, Mean: 98 * time.Millisecond},
			}},
			{Name: "CheckoutUser", Weight: 1, Want: 25, Got: 25, Running: 50},
		},
		Doing:   swarm.Doing{Waiting: 121, InTask: 79, InRequest: 71, Starting: 8},
		Changes: []swarm.Change{{Wall: start, To: 100, Rate: 20, Who: "start"}, {At: 70 * time.Second, Wall: start.Add(70 * time.Second), From: 100, To: 200, Rate: 20, Who: "you"}},
		Health: health.Health{CPU: 188, Cores: 2, RSS: 142 << 20, Goroutines: 1022, Files: 231, FileLimit: 1024, SuspectSeconds: 4,
			Reasons: []health.Reason{{What: "CPU 188% of 200%", Remedy: "latency above is partly this box: add a worker"}},
			Checks:  []health.Reason{{What: "CPU 188% of 200%"}, {OK: true, What: "GC pause p99 0.4 ms"}, {OK: true, What: "open files 231 of 1024"}}},
		Nodes: []swarm.NodeView{{Name: "local", State: "running", Users: 200, RPS: 4812, Health: health.Health{CPU: 188, Cores: 2, RSS: 142 << 20, Goroutines: 1022, Files: 231, FileLimit: 1024, Late: 6.2}}},
	}
}

// person is somebody at the keys: what the program would do with commands is
// done at once.
type person struct {
	t    *testing.T
	m    *model
	load *fakeLoad
	quit bool
	clip string
}

func sit(t *testing.T, w, h int, o Options) *person {
	t.Helper()
	p := &person{t: t}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Run == nil && o.Launch == nil {
		p.load = newFake(snapshot())
		o.Run = p.load
	}
	if o.Logs == nil {
		o.Logs = logged()
	}
	o.Refresh = time.Millisecond
	p.m = newModel(o)
	at := time.Unix(0, 0) // of fingers, which take their time
	p.m.fingers.now = func() time.Time { at = at.Add(100 * time.Millisecond); return at }
	p.send(tea.WindowSizeMsg{Width: w, Height: h})
	return p
}

func logged() *Logs {
	l := NewLogs(100)
	add := func(at time.Duration, level slog.Level, msg string, args ...any) {
		r := slog.NewRecord(start.Add(at), level, msg, 0)
		r.Add(args...)
		l.Handle(context.Background(), r)
	}
	add(0, slog.LevelInfo, "run", "host", "https://shop.example.test", "run", "20260304-020000")
	add(0, slog.LevelInfo, "users", "from", 0, "to", 100)
	add(72*time.Second, slog.LevelWarn, "new error group", "kind", "HTTP 503", "name", "/cart")
	for range 4 {
		add(80*time.Second, slog.LevelError, "task panic: index out of range [3]\n\tcheckout.go:88 \x1b[31m", "behaviour", "CheckoutUser")
	}
	return l
}

func (p *person) send(msg tea.Msg) {
	p.t.Helper()
	_, cmd := p.m.Update(msg)
	p.run(cmd)
}

// run does what the library does with a command; the tick is the test's own.
func (p *person) run(cmd tea.Cmd) {
	p.t.Helper()
	if cmd == nil {
		return
	}
	got := make(chan tea.Msg, 1)
	go func() { got <- cmd() }()
	var msg tea.Msg
	select {
	case msg = <-got:
	case <-time.After(100 * time.Millisecond):
		return // it waits for the run to end
	}
	switch msg := msg.(type) {
	case nil, tickMsg:
	case tea.BatchMsg:
		for _, c := range msg {
			p.run(c)
		}
	case tea.QuitMsg:
		p.quit = true
	default:
		if s := fmt.Sprintf("%T", msg); strings.Contains(s, "setClipboard") {
			p.clip = fmt.Sprint(msg)
			return
		}
		p.send(msg)
	}
}

var named = map[string]tea.KeyPressMsg{
	"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift},
	"up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight},
	"space": {Code: tea.KeySpace, Text: " "}, "backspace": {Code: tea.KeyBackspace}, "ctrl+c": {Code: 'c', Mod: tea.ModCtrl},
	"ctrl+z": {Code: 'z', Mod: tea.ModCtrl}, "ctrl+d": {Code: 'd', Mod: tea.ModCtrl}, "end": {Code: tea.KeyEnd}, "home": {Code: tea.KeyHome},
}

// press presses keys, separated by blanks; a word that names no key is typed.
func (p *person) press(keys string) {
	p.t.Helper()
	for _, k := range strings.Fields(keys) {
		if msg, ok := named[k]; ok {
			p.send(msg)
			continue
		}
		for _, r := range k {
			p.send(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

func (p *person) tick() { p.send(tickMsg(time.Now())) }

// sees is the screen as text.
func (p *person) sees() string {
	p.t.Helper()
	lines := p.m.lines()
	for i, l := range lines {
		lines[i] = strings.TrimRight(draw.Strip(l), " ")
	}
	return strings.Join(lines, "\n")
}

func (p *person) want(parts ...string) {
	p.t.Helper()
	s := p.sees()
	for _, part := range parts {
		if !strings.Contains(s, part) {
			p.t.Fatalf("the screen lacks %q:\n%s", part, s)
		}
	}
}

func (p *person) wantNot(parts ...string) {
	p.t.Helper()
	s := p.sees()
	for _, part := range parts {
		if strings.Contains(s, part) {
			p.t.Fatalf("the screen has %q:\n%s", part, s)
		}
	}
}
