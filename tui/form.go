package tui

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"tload/tui/draw"
)

// Form is what a run is started with.
type Form struct {
	Host      string
	Users     int
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
	base   Form
	host   *draw.Field
	users  *draw.Field
	rate   *draw.Field
	time   *draw.Field
	grace  *draw.Field
	on     []bool
	keep   bool
	at     int // focused: fields, behaviours, capture, the two buttons
	error  string
	busy   bool
	probeM string
	probeE bool
	asked  string // host that was looked at last
}

const fields = 5

func (f *form) name() string { return "New run" }

func formPage() *page {
	return &page{
		make: func() screen { return &form{} }, idle: true,
		footer: []string{"tab", "space", "enter", "ctrl+c", "ctrl+d"},
		keys: []binding{
			bind("down tab", "next", "next field", on(func(f *form, m *model) tea.Cmd { return f.step(m, 1) })).as("tab"),
			bind("up shift+tab", "", "previous field", on(func(f *form, m *model) tea.Cmd { return f.step(m, -1) })),
			bind("space", "toggle", "tick or untick", on((*form).toggle)),
			bind("enter", "start", "start the run", on(func(f *form, m *model) tea.Cmd { return f.start(m, f.at == f.startButton()+1) })),
			bind("ctrl+d", "dry run", "dry run: one user, one pass", on(func(f *form, m *model) tea.Cmd { return f.start(m, true) })),
			bind("esc", "back", "back to the run that was", on((*form).close)),
		},
	}
}

func newForm(m *model, f Form) *form {
	x := &form{base: f, keep: f.Capture}
	x.host = newField(f.Host)
	x.users = newField(strconv.Itoa(max(f.Users, 1)))
	rate := f.SpawnRate
	if rate <= 0 {
		rate = 1
	}
	x.rate = newField(strconv.FormatFloat(rate, 'f', -1, 64))
	x.time = newField(plain(f.RunTime))
	x.grace = newField(plain(f.StopGrace))
	for _, c := range f.Choices {
		x.on = append(x.on, c.On)
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
		return []*draw.Field{f.host, f.users, f.rate, f.time, f.grace}[f.at]
	}
	return nil
}

func (f *form) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	press := k.String()
	if x := f.field(); x != nil && press == "space" {
		x.Key(k)
		return nil
	}
	if _, ok := m.page().bound(press); ok {
		return m.press(press)
	}
	if x := f.field(); x != nil {
		f.error = ""
		x.Key(k)
		return nil
	}
	switch press {
	case "q":
		return m.askToQuit()
	case "j":
		f.at = (f.at + 1) % f.count()
	case "k":
		f.at = (f.at + f.count() - 1) % f.count()
	}
	return nil
}

func (f *form) step(m *model, by int) tea.Cmd {
	f.at = (f.at + by + f.count()) % f.count()
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
	host := f.host.Trimmed()
	if m.o.Probe == nil || host == "" || host == f.asked {
		return nil
	}
	f.asked, f.probeM = host, "…"
	look := m.o.Probe
	return safely(func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		text, err := look(ctx, host)
		return probedMsg{host, text, err}
	})
}

func (f *form) probed(p probedMsg) {
	if p.host != f.host.Trimmed() {
		return
	}
	f.probeM, f.probeE = clean(p.text), p.err != nil
	if p.err != nil {
		f.probeM = clean(p.err.Error())
	}
}

// read is what was typed, or what is wrong with it and where.
func (f *form) read() (x Form, at int, problem string) {
	x = f.base
	x.Host = f.host.Trimmed()
	if x.Host == "" {
		return x, 0, "host: where to, such as http://localhost:5000"
	}
	users, err := strconv.Atoi(strings.ReplaceAll(f.users.Trimmed(), " ", ""))
	switch {
	case users > mostUsers:
		return x, 1, "users: at most " + thousands(mostUsers)
	case err != nil || users < 1:
		return x, 1, "users: a whole number from 1, such as 200"
	}
	x.Users = users
	x.SpawnRate, err = strconv.ParseFloat(f.rate.Trimmed(), 64)
	if err != nil || !(x.SpawnRate > 0) || x.SpawnRate > mostUsers {
		return x, 2, "spawn rate: users started per second, such as 20"
	}
	if x.RunTime, err = span(f.time.Trimmed()); err != nil {
		return x, 3, "run time: such as 90s, 10m, 1h20m, or blank"
	}
	if x.StopGrace, err = span(f.grace.Trimmed()); err != nil {
		return x, 4, "stop grace: such as 10s, or blank for none"
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
		return launchedMsg{l, err}
	})
}

func (f *form) failed(err error) {
	f.busy, f.error = false, clean(err.Error())
}

func (f *form) view(m *model, w, h int) draw.Pane {
	rule := strings.Repeat("─", w)
	short := h < 22
	out := []string{draw.Between(" "+draw.Bold.Styled("tload"), "new run  "+draw.Accent.Styled("enter")+" starts ", w), rule}
	gap := func() {
		if !short {
			out = append(out, "")
		}
	}
	focus := func(i int, s string) string {
		if i == f.at {
			return draw.Accent.Styled(s)
		}
		return s
	}
	wide := min(max(w-18, 8), 60)
	gap()
	out = append(out, "   "+focus(0, "Host      ")+"   "+f.host.View(wide, f.at == 0))
	if f.probeM != "" {
		sign := draw.Sign(!f.probeE) + " "
		switch {
		case f.probeM == "…":
			sign = ""
		case !f.probeE && errorStatus.MatchString(f.probeM): // an answer, and none to load
			sign = draw.Warning.Styled("▲") + " reached: "
		case !f.probeE:
			sign += "reached: "
		}
		out = append(out, strings.Repeat(" ", 16)+sign+draw.Cut(f.probeM, max(w-16-draw.Width(sign)-13, 10))+draw.Dim.Styled(" (one probe)"))
	} else {
		gap()
	}
	gap()
	users, _ := strconv.Atoi(f.users.Trimmed())
	rate, _ := strconv.ParseFloat(f.rate.Trimmed(), 64)
	peak := ""
	if users > 0 && rate > 0 {
		peak = draw.Dim.Styled("(peak in " + inTime(float64(users)/rate) + ")")
	}
	line := "   " + focus(1, "Users     ") + "   " + f.users.View(9, f.at == 1) + "    " + focus(2, "Spawn rate") + "   " + f.rate.View(7, f.at == 2)
	out = append(out, draw.FirstThatFits(w, line+" users/s   "+peak, line+" users/s", line+"/s"),
		"   "+focus(3, "Run time  ")+"   "+f.time.View(9, f.at == 3)+"    "+draw.Dim.Styled("blank = until you stop it"),
		"   "+focus(4, "Stop grace")+"   "+f.grace.View(9, f.at == 4)+"    "+draw.Dim.Styled("wait for requests in flight"))
	gap()
	// Few enough behaviours are drawn that the buttons stay on the screen.
	room := max(h-len(out)-9, 1)
	first := 0
	if i := f.at - fields; i >= room && i < len(f.on) {
		first = i - room + 1
	}
	nameWidth := 12
	for _, c := range f.base.Choices {
		nameWidth = min(max(nameWidth, draw.Width(clean(c.Name))), 30)
	}
	for i := first; i < len(f.on) && i < first+room; i++ {
		label := "          "
		if i == first {
			label = "Behaviours"
		}
		c := f.base.Choices[i]
		line := fmt.Sprintf("%s %s   weight %d   %s", box(f.on[i]), draw.Fit(draw.CutMiddle(clean(c.Name), nameWidth), nameWidth), max(c.Weight, 1), plural(c.Tasks, "task"))
		if i == first+room-1 && i < len(f.on)-1 {
			line += fmt.Sprintf("   … %d more", len(f.on)-1-i)
		}
		out = append(out, "   "+label+"   "+focus(fields+i, line))
	}
	what := "failing exchanges"
	if f.base.CaptureSamples > 0 {
		what += fmt.Sprintf("   %d per group", f.base.CaptureSamples)
	}
	if f.base.CaptureBody > 0 {
		what += " · bodies to " + size(float64(f.base.CaptureBody))
	}
	out = append(out, "   Capture      "+focus(f.captureAt(), box(f.keep)+" "+what))
	if lim := m.o.FileLimit; lim > 0 {
		gap()
		who, want := plural(users, "user"), max(users, 0)+spareFiles
		if users > mostUsers {
			who, want = "so many users", mostUsers+spareFiles
		}
		lead := "   Open files   "
		if lim >= want {
			out = append(out, lead+draw.FirstThatFits(w-17, fmt.Sprintf("ulimit -n %d %s enough for %s", lim, draw.Sign(true), who), fmt.Sprintf("%d %s enough", lim, draw.Sign(true))))
		} else {
			out = append(out, lead+draw.FirstThatFits(w-17, fmt.Sprintf("ulimit -n %d %s too low for %s", lim, draw.Sign(false), who), fmt.Sprintf("%d %s too low", lim, draw.Sign(false))))
			advice := []string{fmt.Sprintf("leave, run ulimit -n %d, start again", want), fmt.Sprintf("ulimit -n %d", want)}
			if most := lim - spareFiles; most > 0 {
				advice = append([]string{fmt.Sprintf("%s; or at most %s", advice[0], plural(most, "user"))}, advice...)
			}
			out = append(out, strings.Repeat(" ", len(lead))+draw.FirstThatFits(w-17, advice...))
		}
	}
	gap()
	button := func(i int, s string) string {
		if f.at == i {
			return draw.Inverse.Styled("[ " + s + " ]")
		}
		return "[ " + s + " ]"
	}
	start := "Start"
	if f.busy {
		start = "Starting …"
	}
	out = append(out, "                "+button(f.startButton(), start)+"   "+button(f.startButton()+1, "Dry run: 1 user, 1 loop"))
	if f.error != "" {
		for i, l := range draw.WrapText(f.error, max(w-8, 10)) {
			if i == 4 {
				break
			}
			sign := "✗ "
			if i > 0 {
				sign = "  "
			}
			out = append(out, "   "+draw.BadBold.Styled(sign+l))
		}
	}
	p := m.page()
	show := p.footer
	if m.load != nil { // the way back to it comes early
		show = append([]string{"enter", "esc"}, slices.DeleteFunc(slices.Clone(show), func(item string) bool { return item == "enter" })...)
	}
	foot := " "
	for _, item := range show {
		if _, label := p.foot(m, item); draw.Width(foot)+draw.Width(label) <= w {
			foot += label + "  "
		}
	}
	out = draw.Sized(out, w, max(h-2, 0))
	return draw.Pane{Lines: append(out, m.noteLine(), foot)}
}

// spareFiles is how many files are open besides the users' connections, as the
// check before a run has it.
const spareFiles = 64

// errorStatus finds a reply of 400 or above in what a look at the host found.
var errorStatus = regexp.MustCompile(`\bGET \S+ [45]\d\d\b`)

func box(on bool) string {
	if on {
		return "[x]"
	}
	return "[ ]"
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return thousands(n) + " " + word + "s"
}
