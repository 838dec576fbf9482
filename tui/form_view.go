package tui

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tload/swarm/shape"
	"tload/tui/draw"
)

// The form stands in two columns: what is asked for, and what is answered.
const (
	formLabel  = 10 // "Stop grace"
	formMargin = 3
	formAnswer = formMargin + formLabel + 3
)

// formRow is one line of it.
func formRow(label, answer string) string {
	return strings.Repeat(" ", formMargin) + draw.Fit(label, formLabel) + strings.Repeat(" ", formAnswer-formMargin-formLabel) + answer
}

// focus is text that shows whether it is what keys change.
func (f *form) focus(i int, s string) string {
	if i == f.at {
		return draw.Accent.Render(s)
	}
	return s
}

// asks is one line of it with a field.
func (f *form) asks(i int, label string, w int, hint string) string {
	return formRow(f.focus(i, label), f.typed[i].View(w, f.at == i)+hint)
}

func (f *form) view(m *model, w, h int) draw.Pane {
	gap := []string{""}
	if h < 27 {
		gap = nil
	}
	found := f.foundLines(w)
	if found == nil {
		found = gap
	}
	out := slices.Concat([]string{
		draw.Between(" "+draw.Bold.Render("tload"), "new run  "+draw.Accent.Render("enter")+" starts ", w), strings.Repeat("─", w),
	}, gap, []string{f.asks(askHost, "Host", min(max(w-18, 8), 60), "")}, found, f.requestLines(w), gap, f.loadLines(w), gap)
	// Few enough behaviours are drawn that the buttons stay on the screen.
	does := f.doesLines(w)
	out = append(out, f.choiceLines(max(h-len(out)-9-len(does), 1))...)
	out = append(out, formRow("Capture", f.focus(f.captureAt(), box(f.keep)+" "+f.captured())))
	if m.o.FileLimit > 0 {
		out = slices.Concat(out, gap, f.fileLines(m.o.FileLimit, w))
	}
	out = slices.Concat(out, gap, does, []string{f.buttons()}, f.errorLines(w))
	return draw.Pane{Lines: append(draw.Sized(out, w, max(h-2, 0)), m.noteLine(), f.footer(m, w))}
}

// foundLines are what a look at the host found; none before there was one.
func (f *form) foundLines(w int) []string {
	if f.found == "" {
		return nil
	}
	sign := draw.Sign(!f.unreached) + " "
	switch {
	case f.found == "…":
		sign = ""
	case !f.unreached && errorStatus.MatchString(f.found): // an answer, and none to load
		sign = draw.Warning.Render("▲") + " reached: "
	case !f.unreached:
		sign += "reached: "
	}
	return []string{formRow("", sign+draw.Cut(f.found, max(w-formAnswer-draw.Width(sign)-13, 10))+draw.Dim.Render(" (one probe)"))}
}

// loadLines are how many users, how fast, and for how long.
func (f *form) loadLines(w int) []string {
	users, _ := strconv.Atoi(strings.ReplaceAll(f.text(askUsers), " ", ""))
	rate, _ := strconv.ParseFloat(f.text(askSpawn), 64)
	peak := ""
	if users > 0 && rate > 0 {
		peak = draw.Dim.Render("(peak in " + inTime(float64(users)/rate) + ")")
	}
	line := f.asks(askUsers, "Users", 9, "    ") + f.focus(askSpawn, "Spawn rate") + "   " + f.typed[askSpawn].View(7, f.at == askSpawn)
	return []string{
		draw.FirstThatFits(w, line+" users/s   "+peak, line+" users/s", line+"/s"),
		f.asks(askRate, "Arrivals", 9, "/s  "+draw.Dim.Render("blank = a user begins again when it is done")),
		f.shapeLine(w),
		f.asks(askTime, "Run time", 9, "    "+draw.Dim.Render("blank = until you stop it")),
		f.asks(askGrace, "Stop grace", 9, "    "+draw.Dim.Render("wait for requests in flight")),
	}
}

// shapeLine asks for a shape and shows its curve.
func (f *form) shapeLine(w int) string {
	const field = 28
	room := w - formAnswer - field - 2
	hint := draw.Dim.Render(draw.FirstThatFits(room, "blank, or ramp 0 100 30s, hold 5m, ramp 0 30s", "ramp 0 100 30s, hold 5m", "ramp 0 9 30s", ""))
	if s, err := shape.Parse(f.text(askShape)); err == nil {
		hint = draw.Accent.Render(curve(s, max(min(room-12, 40), 1))) + " " + typed(s.Length())
	}
	return f.asks(askShape, "Shape", field, " "+hint)
}

// curve is a shape in n characters.
func curve(s *shape.Shape, n int) string {
	values := make([]float64, n)
	for i := range values {
		from, to := s.Length()*time.Duration(i)/time.Duration(n), s.Length()*time.Duration(i+1)/time.Duration(n)
		values[i] = s.Mean(from, to)
	}
	return draw.Spark(values, n)
}

// requestLines ask for what is requested, where no behaviours say it.
func (f *form) requestLines(w int) []string {
	if !f.base.Asks {
		return nil
	}
	return []string{f.asks(askRequests, "Requests", min(max(w-18, 8), 60), ""), formRow("", draw.Dim.Render("paths such as / /cart?id=1, or a file: a .http file, a list of URLs"))}
}

// does says in words what will be done.
func (f *form) does() string {
	x, _, problem := f.read()
	if problem != "" {
		return ""
	}
	what := "what " + f.chosen() + " do"
	if f.base.Asks {
		what = "GET " + strings.Join(strings.Fields(x.Requests), ", ")
		if x.Requests == "" {
			what = "GET /"
		} else if !strings.HasPrefix(x.Requests, "/") && !strings.Contains(x.Requests, "://") {
			what = "the requests of " + x.Requests
		}
	}
	end := "until you stop it"
	s, err := shape.Parse(x.Shape)
	if err == nil && (x.RunTime == 0 || x.RunTime > s.Length()) {
		x.RunTime = s.Length()
	}
	if x.RunTime > 0 {
		end = "for " + typed(x.RunTime)
	}
	if shaped := x.Shape != ""; shaped {
		most := "as " + x.Shape + " says"
		if err == nil {
			most = "up to " + rate(s.Most())
		}
		if x.Rate > 0 {
			return fmt.Sprintf("%s arrivals a second %s, by at most %s: %s", most, end, plural(x.Users, "user"), what)
		}
		return fmt.Sprintf("%s users %s: %s", most, end, what)
	}
	if x.Rate > 0 {
		return fmt.Sprintf("%s a second %s, by at most %s: %s", rate(x.Rate), end, plural(x.Users, "user"), what)
	}
	return fmt.Sprintf("%s, all there in %s, %s: %s", plural(x.Users, "user"), inTime(float64(x.Users)/x.SpawnRate), end, what)
}

// chosen are the names of the behaviours that are ticked.
func (f *form) chosen() string {
	var names []string
	for i, on := range f.on {
		if on {
			names = append(names, clean(f.base.Choices[i].Name))
		}
	}
	return strings.Join(names, " and ")
}

// doesLines are that in at most two lines.
func (f *form) doesLines(w int) (out []string) {
	for i, l := range draw.WrapText(clean(f.does()), max(w-formAnswer-3, 10)) {
		switch {
		case i == 0:
			out = append(out, formRow("", draw.Accent.Render("▸ ")+l))
		case i == 1:
			out = append(out, formRow("", "  "+draw.Cut(l, max(w-formAnswer-3, 10))))
		}
	}
	return out
}

// choiceLines are the behaviours, no more than there is room for.
func (f *form) choiceLines(room int) (out []string) {
	first := 0
	if i := f.at - fields; i >= room && i < len(f.on) {
		first = i - room + 1
	}
	names := 12
	for _, c := range f.base.Choices {
		names = min(max(names, draw.Width(clean(c.Name))), 30)
	}
	for i := first; i < len(f.on) && i < first+room; i++ {
		label := ""
		if i == first {
			label = "Behaviours"
		}
		c := f.base.Choices[i]
		line := fmt.Sprintf("%s %s   weight %d   %s", box(f.on[i]), draw.Fit(draw.CutMiddle(clean(c.Name), names), names), max(c.Weight, 1), plural(c.Tasks, "task"))
		if i == first+room-1 && i < len(f.on)-1 {
			line += fmt.Sprintf("   … %d more", len(f.on)-1-i)
		}
		out = append(out, formRow(label, f.focus(fields+i, line)))
	}
	return out
}

// captured says what is kept of exchanges that fail.
func (f *form) captured() string {
	what := "failing exchanges"
	if f.base.CaptureSamples > 0 {
		what += fmt.Sprintf("   %d per group", f.base.CaptureSamples)
	}
	if f.base.CaptureBody > 0 {
		what += " · bodies to " + size(float64(f.base.CaptureBody))
	}
	return what
}

// spareFiles is how many files are open besides the users' connections, as the
// check before a run has it.
const spareFiles = 64

// fileLines say whether the files that may be open are enough for the users.
func (f *form) fileLines(limit, w int) []string {
	users, _ := strconv.Atoi(strings.ReplaceAll(f.text(askUsers), " ", ""))
	who, want := plural(users, "user"), max(users, 0)+spareFiles
	if users > mostUsers {
		who, want = "so many users", mostUsers+spareFiles
	}
	room := w - formAnswer - 1
	if limit >= want {
		return []string{formRow("Open files", draw.FirstThatFits(room, fmt.Sprintf("ulimit -n %d %s enough for %s", limit, draw.Sign(true), who), fmt.Sprintf("%d %s enough", limit, draw.Sign(true))))}
	}
	advice := []string{fmt.Sprintf("leave, run ulimit -n %d, start again", want), fmt.Sprintf("ulimit -n %d", want)}
	if most := limit - spareFiles; most > 0 {
		advice = append([]string{fmt.Sprintf("%s; or at most %s", advice[0], plural(most, "user"))}, advice...)
	}
	return []string{
		formRow("Open files", draw.FirstThatFits(room, fmt.Sprintf("ulimit -n %d %s too low for %s", limit, draw.Sign(false), who), fmt.Sprintf("%d %s too low", limit, draw.Sign(false)))),
		formRow("", draw.FirstThatFits(room, advice...)),
	}
}

func (f *form) buttons() string {
	button := func(i int, s string) string {
		if f.at == i {
			return draw.Inverse.Render("[ " + s + " ]")
		}
		return "[ " + s + " ]"
	}
	start := "Start"
	if f.busy {
		start = "Starting …"
	}
	return formRow("", button(f.startButton(), start)+"   "+button(f.startButton()+1, "Dry run: 1 user, 1 loop"))
}

func (f *form) errorLines(w int) (out []string) {
	for i, l := range draw.WrapText(f.error, max(w-8, 10)) {
		if i == 4 {
			break
		}
		sign := "✗ "
		if i > 0 {
			sign = "  "
		}
		out = append(out, strings.Repeat(" ", formMargin)+draw.BadBold.Render(sign+l))
	}
	return out
}

// footer are the page's keys; the way back to a run that was comes early.
func (f *form) footer(m *model, w int) string {
	p := m.page()
	show := p.footer
	if m.load != nil {
		show = append([]string{"enter", "esc"}, slices.DeleteFunc(slices.Clone(show), func(item string) bool { return item == "enter" })...)
	}
	foot := " "
	for _, item := range show {
		if _, label := p.foot(m, item); draw.Width(foot)+draw.Width(label) <= w {
			foot += label + "  "
		}
	}
	return foot
}

// errorStatus finds a reply of 400 or above in what a look at the host found.
var errorStatus = regexp.MustCompile(`\bGET \S+ [45]\d\d\b`)

func box(on bool) string {
	if on {
		return "[x]"
	}
	return "[ ]"
}
