package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/stats"
	"tload/stats/exchange"
	"tload/swarm"
	"tload/tui/draw"
)

func TestUsersGoUpAndDownByTheStepShown(t *testing.T) {
	for _, c := range []struct {
		target int
		keys   string
		want   string
	}{
		{5, "+", "scale 6 you"}, {9, "+", "scale 10 you"}, {10, "+", "scale 20 you"}, {10, "-", "scale 9 you"},
		{499, "+", "scale 509 you"}, {500, "+", "scale 600 you"}, {500, "-", "scale 490 you"}, {5000, "+", "scale 6000 you"},
		{0, "-", "scale 0 you"}, {20, "w W s S", "scale 21 you, scale 31 you, scale 30 you, scale 20 you"},
		{100, "+ + +", "scale 110 you, scale 120 you, scale 130 you"}, {100, "= _", "scale 110 you, scale 100 you"},
	} {
		p := sit(t, 80, 24, Options{})
		p.load.set(func(s *swarm.Snapshot) { s.Target = c.target })
		p.tick()
		p.press(c.keys)
		if got := p.load.told(); got != c.want {
			t.Errorf("%d users, %s: got %q, want %q", c.target, c.keys, got, c.want)
		}
	}
}

// TestAKeyThatDoesNothingSaysSo on every screen, for whoever pressed it looks for what
// it did.
func TestAKeyThatDoesNothingSaysSo(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"1 V", "V does nothing here: ? shows what does what"},
		{"2 t", "t does nothing here"},
		{"6 enter", "enter does nothing here: the health of the selected worker stands below"},
		{"5 o", "o does nothing here: a tree has one order"},
		{"4 E", "E does nothing here: these are the errors"},
		{"4 enter enter tab tab tab tab tab b", "b and x are for bodies"},
		{"7 g enter", "this line speaks of no error group"},
		{"3 Z Z Z Z Z Z", "this is the shortest window"},
		{"3 z z z z z z z", "this is the longest window"},
		{"4 enter enter n", "no search: / begins one"},
		{"7 N", "N does nothing here"},
	} {
		p := sit(t, 120, 30, Options{})
		p.press(c.keys)
		p.want(c.want)
	}
	p := sit(t, 120, 30, Options{})
	p.load.set(func(s *swarm.Snapshot) { s.State = swarm.Stopped })
	p.tick()
	p.press("+")
	p.want("the run is over: nothing changes it any more")
	if got := p.load.told(); got != "" {
		t.Errorf("a run that is over was told %q", got)
	}
}

// TestADigitLeavesThePagesBelow its screen, and F follows the log at once.
func TestADigitLeavesThePagesBelow(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("4 enter enter")
	p.want("sample 1 of 12")
	p.press("4")
	p.want("ERRORS  941 failed requests")
	p.press("enter 2 4")
	p.want("Errors › HTTP 503")
	p.press("7 g")
	p.want("scrolled (F follows)")
	p.press("F")
	p.want("following (F)")
	p.press("F")
	p.want("scrolled (F follows)")
}

// TestAPastedTextIsNotTakenForKeys where the terminal does not say that it is one; keys
// that are held down, or typed fast, are.
func TestAPastedTextIsNotTakenForKeys(t *testing.T) {
	at := time.Unix(0, 0)
	between := time.Millisecond
	p := sit(t, 80, 24, Options{})
	p.m.fingers = fingers{now: func() time.Time { at = at.Add(between); return at }}
	p.press("curl space http://127.0.0.1:5000/ enter")
	p.want("that looks like a pasted text")
	if got := p.load.told(); got != "" || p.quit || len(p.m.dialogs) > 0 || p.m.level() != 200 {
		t.Errorf("told %q, quit %v, %d dialogs", got, p.quit, len(p.m.dialogs))
	}
	at = at.Add(time.Second)
	p.press("+ + +")
	if got := p.load.told(); got != "scale 210 you, scale 220 you, scale 230 you" {
		t.Errorf("a key held down: got %q", got)
	}
	at = at.Add(time.Second)
	p.press("u 2 5 0 enter")
	if got := p.load.told(); !strings.HasSuffix(got, "scale 250 you") {
		t.Errorf("a script sets users: got %q", got)
	}
	between = 30 * time.Millisecond
	p.press("w W S")
	if got := p.load.told(); !strings.HasSuffix(got, "scale 251 you, scale 261 you, scale 251 you") {
		t.Errorf("fast fingers: got %q", got)
	}
}

// TestADialogClosesWithTheRunItIsAbout, for what it asks has no answer then.
func TestADialogClosesWithTheRunItIsAbout(t *testing.T) {
	for _, keys := range []string{"u", "x", "r", "M", "q"} {
		p := sit(t, 80, 24, Options{})
		p.press(keys)
		if len(p.m.dialogs) != 1 {
			t.Fatalf("%s opens %d dialogs", keys, len(p.m.dialogs))
		}
		p.load.set(func(s *swarm.Snapshot) { s.State = swarm.Stopped })
		p.tick()
		if len(p.m.dialogs) != 0 {
			t.Errorf("that of %s stands after the run", keys)
		}
	}
}

// TestAFilterKeepsWhatATaskIsIn, so that one sees whose it is.
func TestAFilterKeepsWhatATaskIsIn(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("5 / browse")
	p.want("BrowsingUser  ", "  browse", "/browse  2 of ")
	p.wantNot("  search", "CheckoutUser")
}

// TestTheHelpOfAScreenIsWhatItDoes lists no key that only others answer.
func TestTheHelpOfAScreenIsWhatItDoes(t *testing.T) {
	p := sit(t, 100, 60, Options{})
	p.press("6 ?")
	p.wantNot("open what is selected", "next pane or part")
	p.press("esc 4 ?")
	p.want("open what is selected")
}

func TestUsersAreSetExactly(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("u")
	p.want("Target", "now 200", "as it is")
	p.press("250")
	p.want("250", "reaches 250 in 3 s")
	p.press("tab 50 enter")
	if got := p.load.told(); got != "rate 50, scale 250 you" {
		t.Errorf("got %q", got)
	}
	p.press("u backspace backspace backspace enter")
	p.want("a whole number, such as") // and the dialog stays
	p.press("esc")
	p.wantNot("Spawn rate")
}

func TestFromTheDashboardDownToOneExchangeAndBack(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("4 j k enter")
	p.want("Errors › HTTP 503 POST /cart", "SAMPLES 12 kept of 9 701", "variants", "upstream timeout", "began at 150 users")
	p.press("j enter")
	p.want("sample 2 of 12", "HTTP/1.1 503 Service Unavailable", "Content-Type: application/json", `"request_id": "nonce-0001"`, "of 128 bytes", `"big": 12345678901234567890`)
	p.press("]")
	p.want("sample 3 of 12", "nonce-0002")
	p.press("[ [")
	p.want("sample 1 of 12", "nonce-0000")
	p.press("esc")
	p.want("SAMPLES 12")
	p.press("esc")
	p.want("ERRORS  941 failed requests in 3 groups  last 10 s")
	p.press("a")
	p.want("ERRORS  12 251 failed requests in 3 groups  whole run")
	p.press("esc esc esc q")
	p.want("A run is active")
	if p.quit {
		t.Error("esc quit")
	}
}

func TestTheRowStaysSelectedWhileNumbersMove(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("2 / cart|check enter G")
	d := p.m.screen().(*statsScreen)
	chosen, _ := d.table().Selected()
	order := p.sees()
	for i := range 10 {
		p.load.set(func(s *swarm.Snapshot) {
			rows := append([]stats.Row(nil), s.Rows...)
			// Turned round, and moving a little.
			for a, b := 0, len(rows)-1; a < b; a, b = a+1, b-1 {
				rows[a], rows[b] = rows[b], rows[a]
			}
			for j := range rows {
				rows[j].Window.Requests += uint64(i)
			}
			s.Rows = rows
		})
		p.tick()
		if e, _ := d.table().Selected(); e.Key != chosen.Key || len(d.table().Rows) != 2 {
			t.Fatalf("refresh %d: cursor on %q of %d rows, want %q of 2", i, e.Key.Name, len(d.table().Rows), chosen.Key.Name)
		}
	}
	if strings.Index(order, "/cart  ") > strings.Index(order, "/checkout  ") != (strings.Index(p.sees(), "/cart  ") > strings.Index(p.sees(), "/checkout  ")) {
		t.Errorf("the order changed:\n%s", p.sees())
	}
}

func TestNumbersAreNeverCut(t *testing.T) {
	for in, want := range map[string]string{"1 641": "1 641", "13 741": "13.7k", "1 234 567": "1.2M", "100.0%": "100%", "-": "-"} {
		if got := strings.TrimSpace(draw.Few(in, 5)); got != want {
			t.Errorf("few(%q, 5): got %q, want %q", in, got, want)
		}
	}
	p := sit(t, 80, 24, Options{})
	p.load.set(func(s *swarm.Snapshot) {
		g := *s.Groups[0]
		g.Rate = 13741
		s.Groups = append([]*stats.Group{&g}, s.Groups[1:]...)
	})
	p.tick()
	p.press("4")
	p.want("13.7k")
}

func TestAfterTheRunRatesAreGoneAndTimeGoesOn(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.load.set(func(s *swarm.Snapshot) { s.State = swarm.Stopped })
	p.tick()
	p.press("4")
	g := p.m.snap.Groups[0]
	if got := p.m.rateOf(g); got != 0 {
		t.Errorf("got %g failures per second of a run that is over, want 0", got)
	}
	if p.m.now().Equal(p.m.snap.Taken) {
		t.Error("the clock stands still after the run")
	}
	p.wantNot(" 71 HTTP", " 0s ")
}

func TestABadExpressionIsSaid(t *testing.T) {
	for _, keys := range []string{"2 /~[(", "4 /~[(", "4 enter enter /~[(", "7 /~[("} {
		p := sit(t, 80, 24, Options{})
		p.press(keys)
		p.want("bad regexp: missing closing ]")
	}
	p := sit(t, 80, 24, Options{})
	p.press("2 /~[( enter")
	p.want("bad regexp", "/products/[id]", "/checkout")
	p.press("esc / ~^/c enter")
	p.want("2 of 5", "/cart", "/checkout")
}

func TestFreezeHoldsTheScreenAndNotTheLoad(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("f")
	before := p.sees()
	p.load.set(func(s *swarm.Snapshot) { s.Taken = s.Taken.Add(12 * time.Second); s.Running = 777; s.Target = 777 })
	p.tick()
	p.want("FROZEN 12s behind", "200 users")
	if strings.Count(before, "\n") != strings.Count(p.sees(), "\n") {
		t.Error("the frozen screen changed its shape")
	}
	p.press("+")
	if got := p.load.told(); !strings.HasPrefix(got, "scale") {
		t.Errorf("a frozen screen still steers: got %q", got)
	}
	p.press("f")
	p.want("777")
	p.wantNot("FROZEN")
}

func TestLeaving(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		state      swarm.State
		quit       bool
		outcome    Outcome
		told       string
	}{
		{"q asks", "q", swarm.Running, false, Quit, ""},
		{"and goes back", "q esc", swarm.Running, false, Quit, ""},
		{"detach", "q d", swarm.Running, true, Detach, ""},
		{"stop, and stay until it has", "q s", swarm.Running, false, Quit, "stop you"},
		{"stop, and q again", "q s q", swarm.Running, true, Quit, "stop you, stop you, stop you"},
		{"nothing runs", "q", swarm.Stopped, true, Quit, ""},
		{"ctrl+c asks", "ctrl+c", swarm.Running, false, Quit, ""},
		{"ctrl+c twice", "ctrl+c ctrl+c", swarm.Running, true, Interrupt, "stop you, stop you"},
		{"ctrl+c in a filter", "2 / ca ctrl+c ctrl+c", swarm.Running, true, Interrupt, "stop you, stop you"},
		{"ctrl+c with nothing running", "ctrl+c", swarm.Stopped, true, Quit, ""},
		{"ctrl+z does nothing", "ctrl+z", swarm.Running, false, Quit, ""},
		{"esc never quits", "esc esc esc backspace", swarm.Stopped, false, Quit, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := sit(t, 80, 24, Options{})
			p.load.set(func(s *swarm.Snapshot) { s.State = c.state })
			p.tick()
			p.press(c.keys)
			if p.quit != c.quit || p.m.outcome != c.outcome || p.load.told() != c.told {
				t.Errorf("got quit %v, outcome %v, told %q; want %v, %v, %q", p.quit, p.m.outcome, p.load.told(), c.quit, c.outcome, c.told)
			}
		})
	}
}

func TestStopAndLeaveWaitsForTheRun(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("q s")
	p.want("stopping")
	p.load.set(func(s *swarm.Snapshot) { s.State = swarm.Stopped; s.Reason = "you" })
	p.send(endedMsg{p.load})
	if !p.quit || p.m.outcome != Quit {
		t.Errorf("got quit %v, outcome %v", p.quit, p.m.outcome)
	}
}

func TestKeysThatChangeTheRun(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"space", "pause true"}, {"x enter", "stop you"}, {"x esc", ""}, {"r after enter", "reset after"}, {"M deploy enter", "mark deploy"}, {"M esc", ""},
	} {
		p := sit(t, 80, 24, Options{})
		p.press(c.keys)
		if got := p.load.told(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.keys, got, c.want)
		}
	}
	p := sit(t, 80, 24, Options{})
	p.load.set(func(s *swarm.Snapshot) { s.State = swarm.Stopped })
	p.tick()
	p.press("+ space x r M u R")
	if got := p.load.told(); got != "" {
		t.Errorf("a run that is over was told %q", got)
	}
	p.want("opened to be read")
}

func TestTheTinyScreenStillSteers(t *testing.T) {
	p := sit(t, 30, 5, Options{})
	p.press("+ - q")
	p.want("s stop")
	p.press("d")
	if got := p.load.told(); got != "scale 210 you, scale 200 you" || !p.quit {
		t.Errorf("got %q, quit %v", got, p.quit)
	}
}

func TestErrorsAndChartsOfARow(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("2 / checkout enter E")
	p.want("only POST /checkout", "read: connection")
	p.wantNot("pool exhausted")
	p.press("esc")
	p.want("pool")
	p.press("2 C")
	p.want("POST /checkout", "LATENCY")
	if !strings.Contains(p.load.told(), "history POST /checkout") {
		t.Errorf("got %q", p.load.told())
	}
	p.press("esc h h h E")
	p.want("at 02:02:11")
}

func TestErrorFilters(t *testing.T) {
	for _, c := range []struct{ typed, want, not string }{
		{"status:5xx", "POST /cart", "GET /search"}, {"kind:reset", "POST /checkout", "GET /search"}, {"!cart", "GET /search", "POST /cart "},
		{"~items.*null", "GET /search", "POST /checkout"}, {"SEARCH", "no group matches", "GET /search "}, {"kind:check", "GET /search", "POST /cart "},
	} {
		p := sit(t, 100, 30, Options{})
		p.press("4 /")
		for _, r := range c.typed {
			p.send(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
		p.press("enter")
		p.want(c.want)
		list, _, _ := strings.Cut(p.sees(), "PREVIEW")
		if strings.Contains(list, c.not) {
			t.Errorf("%s: %q is still there:\n%s", c.typed, c.not, list)
		}
	}
}

func TestRequestsAndTaskErrorsAreAddedUpApart(t *testing.T) {
	for _, size := range [][2]int{{60, 20}, {80, 24}, {100, 30}, {160, 45}} {
		for _, keys := range []string{"", "4"} {
			p := sit(t, size[0], size[1], Options{})
			p.load.set(func(s *swarm.Snapshot) {
				own := &stats.Group{ID: 9, Key: stats.GroupKey{Key: stats.Key{Class: stats.Task, Method: "Shopper", Name: "buy"}, Kind: stats.Error}, Message: "no basket", Shown: 3400, Window: 200}
				s.Groups = append([]*stats.Group{own}, s.Groups...)
			})
			p.tick()
			if size[1] < 24 && keys == "" {
				continue // no room for errors
			}
			p.press(keys)
			p.want("941 failed requests", "200 task errors")
			p.press("a")
			p.want("12 251 failed requests", "3 400 task errors")
		}
	}
}

func TestIgnoredGroups(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("4 i")
	p.want("746 ignored")
	if list, _, _ := strings.Cut(p.sees(), "PREVIEW"); strings.Contains(list, "HTTP 503 POST /cart") {
		t.Error("it is still listed")
	}
	p.press("I")
	p.want("HTTP 503 POST /cart")
}

func TestSecretsAreMaskedUntilAskedFor(t *testing.T) {
	for part := range len(partNames) {
		p := sit(t, 100, 40, Options{})
		p.press("4 enter enter" + strings.Repeat(" tab", part))
		p.wantNot("hunter2", "s3cr3t")
	}
	p := sit(t, 100, 40, Options{})
	p.wantNot("hunter2")
	p.press("4")
	p.wantNot("hunter2")
	p.press("enter")
	p.wantNot("hunter2")
	p.press("enter tab")
	p.want("Authorization: Bearer ***", `"password": "***"`)
	p.press("R")
	p.want("Bearer hunter2", `"password": "hunter2"`, "api_key=hunter2")
	p.press("R")
	p.wantNot("hunter2")
}

func TestCopyAndSave(t *testing.T) {
	dir := t.TempDir()
	p := sit(t, 80, 24, Options{Dir: dir})
	p.press("4 enter enter y")
	p.want("copied response body", "bytes")
	if !strings.Contains(p.clip, "nonce-0000") || strings.Contains(p.clip, "hunter2") {
		t.Errorf("the clipboard got %q", p.clip)
	}
	p.press("c")
	p.want("copied curl command")
	if !strings.Contains(p.clip, `Bearer '"$TOKEN"`) || strings.Contains(p.clip, "hunter2") {
		t.Errorf("the clipboard got %q", p.clip)
	}
	p.press("Y")
	if !strings.Contains(p.clip, "HTTP/1.1 503 Service Unavailable\r\n") {
		t.Errorf("the clipboard got %q", p.clip)
	}
	p.press("R e")
	p.want("saved exchange")
	x := cartExchange(0)
	got, err := os.ReadFile(filepath.Join(dir, "errors", "503-POST-cart-001.body"))
	if err != nil || string(got) != string(x.Response.Body) {
		t.Errorf("saved %q, %v; want the bytes as they came", got, err)
	}
	for _, ending := range []string{".http", ".json", ".curl.sh"} {
		if _, err := os.Stat(filepath.Join(dir, "errors", "503-POST-cart-001"+ending)); err != nil {
			t.Error(err)
		}
	}
}

func TestNoPlaceToSaveIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := sit(t, 80, 24, Options{Dir: file})
	p.press("4 enter enter e")
	p.want("not saved")
	p.press("y")
	p.want("to the clipboard")
	if p.clip == "" {
		t.Error("the clipboard got nothing")
	}
}

func TestSendAgain(t *testing.T) {
	fresh := cartExchange(1)
	fresh.Status, fresh.Response.Head, fresh.Response.Body = 200, []byte("HTTP/1.1 200 OK\r\n\r\n"), []byte(`{"error":"none"}`)
	var sent *stats.Exchange
	p := sit(t, 160, 45, Options{Send: func(_ context.Context, x *stats.Exchange) (*stats.Exchange, error) {
		sent = x
		return fresh, nil
	}})
	p.press("4 enter enter !")
	p.want("[Compare]", "sent again: 200", "HTTP/1.1 200 OK", "HTTP/1.1 503 Service Unavailable")
	if sent == nil || sent.Key.Name != "/cart" {
		t.Errorf("sent %v", sent)
	}
	p = sit(t, 80, 24, Options{Send: func(context.Context, *stats.Exchange) (*stats.Exchange, error) {
		return nil, errors.New("connection refused")
	}})
	p.press("4 enter enter !")
	p.want("not sent: connection refused")
	p = sit(t, 80, 24, Options{})
	p.press("4 enter enter !")
	p.want("nothing is sent")
}

func TestSearchInABody(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	x := cartExchange(0)
	var b strings.Builder
	for i := range 500 {
		if i == 321 {
			b.WriteString("here is the Needle\n")
		}
		b.WriteString("hay\n")
	}
	x.Response.Body, x.Response.Head = []byte(b.String()), []byte("HTTP/1.1 500 Oh\r\nContent-Type: text/plain\r\n\r\n")
	p.load.set(func(s *swarm.Snapshot) {
		g := *s.Groups[0]
		g.Samples = []*stats.Exchange{x}
		s.Groups = []*stats.Group{&g}
	})
	p.tick()
	p.press("4 enter enter")
	p.wantNot("Needle")
	p.press("/ needle enter")
	p.want("Needle", "1 found")
	p.press("g")
	p.wantNot("Needle")
	p.press("n")
	p.want("Needle")
	p.press("G")
	p.want("/501─")
	p.press("esc") // the search goes first
	p.want("sample 1 of 1")
}

func TestHexAndRaw(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("4 enter enter b")
	p.want(`{"error":"pool exhausted","pool":"pg-main"`)
	p.press("x")
	p.want("00000000  7b 22 65 72 72 6f 72")
	p.press("x b")
	p.want(`  "pool": "pg-main",`)
}

func TestForm(t *testing.T) {
	var got Form
	started := newFake(snapshot())
	o := formOptions()
	o.Launch = func(f Form) (Load, error) {
		got = f
		if f.Host == "bad" {
			return nil, errors.New("no such host")
		}
		return started, nil
	}
	o.Probe = func(_ context.Context, host string) (string, error) {
		return "resolves 10.0.3.17 · GET / 200 in 14 ms", nil
	}
	p := sit(t, 80, 24, o)
	p.run(p.m.form.probe(p.m))
	p.want("resolves 10.0.3.17", "enough for 200 users")
	p.press("tab backspace backspace backspace 0 enter")
	p.want("users: a whole number from 1")
	p.press("backspace 50 tab tab tab tab tab")
	p.want("50")
	p.m.o.FileLimit = 64
	p.want("too low for 50 users", "run ulimit -n 114, start again")
	p.press("tab space down down enter")
	if got.Users != 50 || got.Choices[0].On || !got.Choices[1].On || got.RunTime != 10*time.Minute || got.DryRun {
		t.Errorf("got %+v", got)
	}
	p.want("ENDPOINTS")

	p = sit(t, 80, 24, o)
	p.press("end backspace backspace backspace")
	p.m.form.typed[askHost].Set("bad")
	p.press("enter")
	p.want("no such host")
	p.m.form.typed[askHost].Set("http://localhost:1")
	p.press("ctrl+d")
	if !got.DryRun || got.Host != "http://localhost:1" {
		t.Errorf("got %+v", got)
	}
}

// TestTheFormAsksForRequestsAndArrivals, says what it will do, refuses what is no number
// while it is typed, and knows a question mark of a query from one that asks for help.
func TestTheFormAsksForRequestsAndArrivals(t *testing.T) {
	var got Form
	o := formOptions()
	o.Form.Asks, o.Form.Requests = true, "/"
	o.Launch = func(f Form) (Load, error) { got = f; return newFake(snapshot()), nil }
	p := sit(t, 80, 24, o)
	p.want("Requests", "▸ 200 users, all there in 10 s, for 10m: GET /")
	p.wantNot("Behaviours")
	p.press("tab space /cart?id=1")
	p.want("/ /cart?id=1", "GET /, /cart?id=1")
	p.press("tab backspace backspace backspace 1abc")
	p.want("✗ users: digits only, such as 200", "▸ 1 user, all there")
	p.press("tab tab 50x")
	p.want("✗ arrivals: a number per second", "▸ 50 a second for 10m, by at most 1 user: GET /, /cart?id=1")
	p.press("tab hold space 20 space 1m,ramp space 0 space 1m")
	p.want("▸ up to 20 arrivals a second for 2m", "▁ 2m")
	p.press("tab backspace backspace backspace ?")
	p.want("Keys: New run", "previous field")
	p.press("esc enter")
	if got.Users != 1 || got.Rate != 50 || got.RunTime != 0 || got.Requests != "/ /cart?id=1" || got.Shape != "hold 20 1m,ramp 0 1m" {
		t.Errorf("got %+v", got)
	}
}

func TestHelpFindsAndRuns(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	p.press("4 enter enter ?")
	p.want("copy the request as a curl command")
	for _, r := range "cur" {
		p.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
	p.want("curl command", "of ", "keys")
	p.wantNot("freeze the screen")
	p.press("enter")
	p.want("copied curl command")
}

func TestMouse(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { clickThrough(t, size[0], size[1]) })
	}
}

// clickThrough clicks through the screens, in boxes and without.
func clickThrough(t *testing.T, w, h int) {
	p := sit(t, w, h, Options{})
	p.sees()
	click := func(x, y int) { p.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft}) }
	line := func(what string) (x, y int) {
		for y, l := range strings.Split(p.sees(), "\n") {
			if i := strings.Index(l, what); i >= 0 {
				return draw.Width(l[:i]), y
			}
		}
		t.Fatalf("no %q on the screen", what)
		return
	}
	click(line("2 Stats"))
	p.want("STATS")
	click(line("/checkout"))
	if e, _ := p.m.screen().(*statsScreen).table().Selected(); e.Key.Name != "/checkout" {
		t.Errorf("selected %v", e.Key)
	}
	click(line("p95 "))
	click(line("E errors"))
	p.want("only POST /checkout")
	p.press("4 esc")
	x, y := line("GET /search")
	click(x, y)
	click(x, y)
	p.want("Errors › CHECK GET /search")
	p.send(tea.MouseWheelMsg{X: 5, Y: 10, Button: tea.MouseWheelDown})
	p.press("2")
	click(line("FAIL%"))
	p.want("sort fail%▼")
	p.press("x")
	click(line("stop it"))
	if got := p.load.told(); got != "stop you" {
		t.Errorf("a click on an answer: told %q", got)
	}
	p.press("?")
	click(0, h-2)
	p.wantNot("THIS SCREEN")
	p.press("3")
	x, y = line("┤⣿")
	click(x+5, y)
	p.want("AT ")
	p.press("m")
	if p.m.View().MouseMode != tea.MouseModeNone {
		t.Error("m did not give the mouse back")
	}
}

func TestAPanicEndsTheScreenInOrder(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	d, _ := tabOf[*dash](p.m)
	d.table = nil
	if v := p.m.View(); !v.AltScreen {
		t.Error("the screen was left half way")
	}
	p.tick()
	if !p.quit || p.m.fault == nil || !strings.Contains(p.m.fault.Error(), "panic while drawing") {
		t.Errorf("got quit %v, fault %v", p.quit, p.m.fault)
	}
	p = sit(t, 80, 24, Options{Send: func(context.Context, *stats.Exchange) (*stats.Exchange, error) { panic("oh") }})
	p.press("4 enter enter !")
	if !p.quit || p.m.fault == nil {
		t.Error("a panic in a command did not end the screen")
	}
}

func TestBigBodiesOpenFast(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"rows":[`)
	for i := 0; b.Len() < 5<<20; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"id":123456789,"name":"some name or other","tags":["a","b"],"ok":true}`)
	}
	b.WriteString(`]}`)
	x := cartExchange(0)
	x.Response.Body = []byte(b.String())
	k := docKey{x: x}
	began := time.Now()
	d := k.read(exchange.NewMasker())
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("5 MiB of JSON took %v", took)
	}
	if got := strings.TrimSpace(d.lines[len(d.lines)-1]); got != "}" && !strings.Contains(got, "not shown") {
		t.Errorf("ends with %q", got)
	}
}

func clickAt(x, y int) tea.Msg   { return tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft} }
func releaseAt(x, y int) tea.Msg { return tea.MouseReleaseMsg{X: x, Y: y, Button: tea.MouseLeft} }

func TestAnotherRunAfterTheFirst(t *testing.T) {
	second := newFake(snapshot())
	var got Form
	first := newFake(snapshot())
	p := sit(t, 80, 24, Options{Run: first, Launch: func(f Form) (Load, error) {
		got = f
		return second, nil
	}})
	p.press("R")
	p.want("a run is active")
	first.set(func(s *swarm.Snapshot) { s.State = swarm.Stopped; s.Reason = "run-time" })
	close(first.done)
	p.send(endedMsg{first})
	p.want("STOPPED", "its run time is up", "whole run", "R new run  q quit")
	p.press("R")
	p.want("new run", "https://shop.example.test", "200")
	p.press("esc")
	p.want("STOPPED")
	p.press("R enter")
	if got.Host != "https://shop.example.test" || got.Users != 200 {
		t.Errorf("got %+v", got)
	}
	p.want("RUNNING")
	p.press("+")
	if first.told() != "" || second.told() != "scale 210 you" {
		t.Errorf("the first run was told %q, the second %q", first.told(), second.told())
	}
}

func TestTotalsOfAFilter(t *testing.T) {
	p := sit(t, 100, 30, Options{})
	p.press("2 /c enter")
	p.want("FILTERED (no pNN)", "4 of 5: their percentiles do not add up")
	p.press("/ heckout enter")
	for _, l := range strings.Split(p.sees(), "\n") {
		if strings.Contains(l, "AGGREGATED (filtered)") && strings.Contains(l, "640") {
			return
		}
	}
	t.Fatalf("the total of one row lacks its percentiles:\n%s", p.sees())
}

func TestTheFormSaysWhatItFoundAndFits(t *testing.T) {
	for text, want := range map[string]string{
		"resolves 127.0.0.1 · GET / 200 in 1.2 ms": "✓ reached: resolves", "GET / 404 in 1.2 ms": "▲ reached: GET / 404", "GET / 503 in 400 ms": "▲ reached", "GET / 302 in 400 ms": "✓ reached",
	} {
		o := formOptions()
		o.Probe = func(context.Context, string) (string, error) { return text, nil }
		p := sit(t, 80, 24, o)
		p.press("tab")
		p.want(want)
	}
	o := formOptions()
	for limit, want := range map[int]string{10: "leave, run ulimit -n 264, start again", 100: "or at most 36 users", 1024: "✓ enough for 200 users"} {
		o.FileLimit = limit
		p := sit(t, 80, 24, o)
		p.want(want)
		p.wantNot("at most 0", "at most -")
	}
	o.Form.Users, o.Form.SpawnRate = 5_000_001, 0.05
	p := sit(t, 80, 24, o)
	p.want("(peak in > 1 year)")
	p.press("enter")
	p.want("users: at most 5 000 000")

	// After a run: no word of the old one, and the way back is in the footer.
	o = formOptions()
	o.Run = newFake(snapshot())
	for _, w := range []int{40, 60, 75, 80} {
		p := sit(t, w, 24, o)
		o.Run.(*fakeLoad).set(func(s *swarm.Snapshot) { s.State = swarm.Stopped })
		p.tick()
		p.m.say("the run is over: stopped")
		p.press("R")
		p.want("new run", "esc back")
		p.wantNot("the run is over")
	}
}

func TestChangesListMarksAndSegments(t *testing.T) {
	p := sit(t, 100, 30, Options{})
	p.press("5")
	p.want("100 → 200 at 20/s", "00:10  segment steady", "01:40  mark deploy")
}

func TestRowsAreInOrderAnewWhereTheyAreOthers(t *testing.T) {
	p := sit(t, 80, 24, Options{})
	at := p.m.epoch("")
	if at.Of == nil || p.m.epoch("") != at {
		t.Fatalf("got %v, then %v: rows would never keep their places", at, p.m.epoch(""))
	}
	if p.m.epoch("cart") == at {
		t.Error("another filter does not put them in order")
	}
	for _, c := range []struct{ keys, back string }{{"a", "a"}, {"2", "1"}, {"f", "f"}} {
		p.press(c.keys)
		if p.m.epoch("") == at {
			t.Errorf("%s does not put them in order", c.keys)
		}
		p.press(c.back)
	}
	p.load.set(func(s *swarm.Snapshot) { s.Elapsed += time.Second })
	p.tick()
	if p.m.epoch("") == at {
		t.Error("the next second does not put them in order")
	}
}

func TestAClickOnTheDashboardTakesTheFocus(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {160, 45}} {
		p := sit(t, size[0], size[1], Options{})
		at := func(what string) (x, y int) {
			t.Helper()
			for y, l := range strings.Split(p.sees(), "\n") {
				if i := strings.Index(l, what); i >= 0 {
					return draw.Width(l[:i]), y
				}
			}
			t.Fatalf("no %q in\n%s", what, p.sees())
			return 0, 0
		}
		x, y := at("POST /checkout")
		if size[0] > 80 { // the list of groups, and in it the second one
			x, y = at("RESET")
		}
		p.send(clickAt(x, y))
		d, _ := tabOf[*dash](p.m)
		if g, _ := d.errors.Selected(); !d.onErrors() || g == nil || size[0] > 80 && g.Key.Key.Name != "/checkout" {
			t.Errorf("%v: the errors have the focus: %v, and %v is selected", size, d.onErrors(), g)
		}
		p.send(clickAt(at("/products/[id]")))
		if e, _ := d.table.Selected(); d.onErrors() || e.Key.Name != "/products/[id]" {
			t.Errorf("%v: the errors have the focus: %v, and %v is selected", size, d.onErrors(), e.Key)
		}
	}
	p := sit(t, 160, 45, Options{})
	for y, l := range strings.Split(p.sees(), "\n") {
		if i := strings.Index(l, "MESSAGE"); i >= 0 {
			p.send(clickAt(draw.Width(l[:i]), y))
		}
	}
	d, _ := tabOf[*dash](p.m)
	if got := d.errors.Sorting(); got != "message▲" {
		t.Errorf("a click on MESSAGE sorts by %s", got)
	}
}
