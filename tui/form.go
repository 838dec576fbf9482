package tui

import (
	"context"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/swarm/shape"
	"tload/tui/draw"
)

// Form is what a run is started with.
type Form struct {
	Host      string
	Asks      bool   // for requests: there are no behaviours of the program's own
	Requests  string // paths with blanks between them, or a file of requests
	Users     int
	Rate      float64 // tasks started per second; 0: a user begins the next when one is done
	Shape     string  // of users, or with Rate of arrivals, over time; a text or a file
	SpawnRate float64
	RunTime   time.Duration // 0: until stopped
	StopGrace time.Duration
	Choices   []Choice

	Capture        bool // failing exchanges
	CaptureSamples int  // … so many per group, for the words beside it
	CaptureBody    int  // … bytes of each body

	DryRun bool // one user, one pass; set by the form
}

// Choice is a behaviour that can be ticked.
type Choice struct {
	Name   string
	Weight int
	Tasks  int
	On     bool
}

// form is the start screen.
type form struct {
	blankScreen
	base      Form
	typed     [fields]*draw.Field
	on        []bool
	keep      bool
	at        int // focused: fields, behaviours, capture, the two buttons
	error     string
	busy      bool
	found     string // by a look at the host
	unreached bool
	foundOf   string // the host that was looked at last
}

// What is typed, in the order of the screen.
const (
	askHost = iota
	askRequests
	askUsers
	askSpawn
	askRate
	askShape
	askTime
	askGrace
	fields
)

// chars are those that a field takes, and a word for them; "" for any.
var chars = [fields]struct{ of, word string }{
	askUsers: {"0123456789 ", "users: digits only, such as 200"},
	askSpawn: {"0123456789.", "spawn rate: a number, such as 20 or 0.5"},
	askRate:  {"0123456789.", "arrivals: a number per second, such as 50, or blank"},
	askTime:  {"0123456789.hmsnuµ ", "run time: such as 90s, 10m, 1h20m, or blank"},
	askGrace: {"0123456789.hmsnuµ ", "stop grace: such as 10s, or blank for none"},
}

func (f *form) name() string { return "New run" }

func formPage() *page {
	return &page{
		make: func() screen { return &form{} }, idle: true,
		footer: []string{"tab", "space", "enter", "ctrl+c", "ctrl+d", "?"},
		keys: []binding{
			bind("down tab", "next", "next field", on(func(f *form, m *model) tea.Cmd { return f.step(m, 1) })).as("tab"),
			bind("up shift+tab", "", "previous field", on(func(f *form, m *model) tea.Cmd { return f.step(m, -1) })),
			bind("space", "toggle", "tick or untick", on((*form).toggle)),
			bind("enter", "start", "start the run", on(func(f *form, m *model) tea.Cmd { return f.start(m, f.at == f.startButton()+1) })),
			bind("ctrl+d", "dry run", "dry run: one user, one pass", on(func(f *form, m *model) tea.Cmd { return f.start(m, true) })),
			bind("esc", "back", "back to the run that was", on((*form).close)),
			bind("?", "help", "this list; behind a path it is typed", opens(newHelp)),
		},
	}
}

func newForm(m *model, f Form) *form {
	x := &form{base: f, keep: f.Capture}
	spawn := f.SpawnRate
	if spawn <= 0 {
		spawn = 1
	}
	arrivals := ""
	if f.Rate > 0 {
		arrivals = strconv.FormatFloat(f.Rate, 'f', -1, 64)
	}
	for i, text := range [fields]string{
		f.Host, f.Requests, strconv.Itoa(max(f.Users, 1)), strconv.FormatFloat(spawn, 'f', -1, 64), arrivals, f.Shape, typed(f.RunTime), typed(f.StopGrace),
	} {
		x.typed[i] = newField(text)
	}
	if !f.Asks {
		for _, c := range f.Choices {
			x.on = append(x.on, c.On)
		}
	}
	if m.load != nil {
		x.at = x.startButton()
	}
	return x
}

func (f *form) captureAt() int   { return fields + len(f.on) }
func (f *form) startButton() int { return f.captureAt() + 1 }
func (f *form) count() int       { return f.startButton() + 2 }

func (f *form) field() *draw.Field {
	if f.at < fields {
		return f.typed[f.at]
	}
	return nil
}

// text is what was typed into a field.
func (f *form) text(i int) string { return f.typed[i].Trimmed() }

// isQuery says that a question mark is one of the text: behind a path.
func (f *form) isQuery() bool {
	switch f.at {
	case askHost:
		_, rest, ok := strings.Cut(f.text(askHost), "://")
		return ok && strings.Contains(rest, "/")
	case askRequests:
		v := f.typed[askRequests].Value()
		return v != "" && !strings.HasSuffix(v, " ")
	}
	return false
}

func (f *form) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	press := k.String()
	x := f.field()
	if x != nil && (press == "space" && (f.at <= askRequests || f.at == askShape) || press == "?" && f.isQuery()) {
		x.Key(k)
		return nil
	}
	if _, ok := m.page().bound(press); ok && !(x != nil && press == "space") {
		return m.press(press)
	}
	if x != nil {
		f.error = ""
		if c := chars[f.at]; k.Text != "" && c.of != "" && strings.Trim(k.Text, c.of) != "" {
			f.error = c.word
			return nil
		}
		x.Key(k)
		return nil
	}
	switch press {
	case "q":
		return m.askToQuit()
	case "j":
		return f.step(m, 1)
	case "k":
		return f.step(m, -1)
	}
	return nil
}

func (f *form) step(m *model, by int) tea.Cmd {
	f.at = (f.at + by + f.count()) % f.count()
	if f.at == askRequests && !f.base.Asks {
		f.at += by
	}
	return f.probe(m)
}

// toggle ticks, or presses the button that has the focus.
func (f *form) toggle(m *model) tea.Cmd {
	switch i := f.at - fields; {
	case i >= 0 && i < len(f.on):
		f.on[i] = !f.on[i]
	case f.at == f.captureAt():
		f.keep = !f.keep
	default:
		return f.start(m, f.at == f.startButton()+1)
	}
	return nil
}

func (f *form) close(m *model) tea.Cmd {
	if m.load == nil {
		m.say("ctrl+c quits")
		return nil
	}
	m.form = nil
	return nil
}

func (f *form) paste(_ *model, p tea.PasteMsg) tea.Cmd {
	if x := f.field(); x != nil {
		p.Content = strings.TrimSpace(p.Content)
		x.Update(p)
	}
	return nil
}

// probe looks at the host once it was typed.
func (f *form) probe(m *model) tea.Cmd {
	host := f.text(askHost)
	if m.o.Probe == nil || host == "" || host == f.foundOf {
		return nil
	}
	f.foundOf, f.found = host, "…"
	look := m.o.Probe
	return safely(func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		text, err := look(ctx, host)
		return probedMsg{host, text, err}
	})
}

func (f *form) probed(p probedMsg) {
	if p.host != f.text(askHost) {
		return
	}
	f.found, f.unreached = clean(p.text), p.err != nil
	if p.err != nil {
		f.found = clean(p.err.Error())
	}
}

// read is what was typed, or what is wrong with it and where.
func (f *form) read() (x Form, at int, problem string) {
	x = f.base
	x.Host, x.Requests = f.text(askHost), f.text(askRequests)
	if x.Host == "" {
		return x, askHost, "host: where to, such as http://localhost:5000"
	}
	users, err := strconv.Atoi(strings.ReplaceAll(f.text(askUsers), " ", ""))
	switch {
	case users > mostUsers:
		return x, askUsers, "users: at most " + thousands(mostUsers)
	case err != nil || users < 1:
		return x, askUsers, "users: a whole number from 1, such as 200"
	}
	x.Users = users
	x.SpawnRate, err = strconv.ParseFloat(f.text(askSpawn), 64)
	if err != nil || !(x.SpawnRate > 0) || x.SpawnRate > mostUsers {
		return x, askSpawn, "spawn rate: users started per second, such as 20"
	}
	x.Rate = 0
	if text := f.text(askRate); text != "" {
		if x.Rate, err = strconv.ParseFloat(text, 64); err != nil || x.Rate < 0 || x.Rate > 1e9 {
			return x, askRate, chars[askRate].word
		}
	}
	x.Shape = f.text(askShape)
	if _, err := shape.Parse(x.Shape); x.Shape != "" && err != nil && strings.Contains(x.Shape, " ") {
		return x, askShape, "shape: " + err.Error()
	}
	if x.RunTime, err = span(f.text(askTime)); err != nil {
		return x, askTime, chars[askTime].word
	}
	if x.StopGrace, err = span(f.text(askGrace)); err != nil {
		return x, askGrace, chars[askGrace].word
	}
	x.Choices = append([]Choice(nil), f.base.Choices...)
	any := len(f.on) == 0
	for i, on := range f.on {
		x.Choices[i].On = on
		any = any || on
	}
	if !any {
		return x, fields, "behaviours: tick at least one"
	}
	x.Capture = f.keep
	return x, 0, ""
}

// span is a duration as Locust takes it: 20 is seconds.
func span(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.Atoi(s); err == nil {
		s = strconv.Itoa(n) + "s"
	}
	d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
	if err == nil && d < 0 {
		err = strconv.ErrRange
	}
	return d, err
}

func (f *form) start(m *model, dry bool) tea.Cmd {
	if f.busy {
		return nil
	}
	x, at, problem := f.read()
	if problem != "" {
		f.at, f.error = at, problem
		return nil
	}
	if m.o.Launch == nil {
		f.error = "nothing here starts a run"
		return nil
	}
	x.DryRun = dry
	f.busy, f.error = true, ""
	m.o.Form = x // what R shows again
	m.o.Form.DryRun = false
	launch := m.o.Launch
	return safely(func() tea.Msg {
		l, err := launch(x)
		return launchedMsg{l, dry, err}
	})
}

func (f *form) failed(err error) {
	f.busy, f.error = false, clean(err.Error())
}
