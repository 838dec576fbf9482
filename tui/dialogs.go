package tui

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/swarm"
	"tload/tui/draw"
)

// choice is a question with keys for its answers. Esc goes back.
type choice struct {
	title   string
	short   string
	lines   []string
	answers []answer
	rows    []string // the key that each line of it stands for, as it was drawn last
}

type answer struct {
	key  string
	word string
	text string
	do   func(m *model) tea.Cmd
}

func (c *choice) key(m *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	press := k.String()
	if press == "esc" || press == "backspace" {
		return true, nil
	}
	for _, a := range c.answers {
		if a.key == press {
			return true, a.do(m)
		}
	}
	return false, nil
}

func (c *choice) view(_ *model, w, _ int) []string {
	var lines []string
	for _, l := range c.lines {
		lines = append(lines, " "+l)
	}
	c.rows = make([]string, len(lines)+1) // and the border
	for _, a := range c.answers {
		for i, l := range draw.WrapText(a.text, max(w-14, 8)) {
			c.rows = append(c.rows, a.key)
			if i > 0 {
				lines = append(lines, "        "+l)
				continue
			}
			lines = append(lines, "  "+draw.Accent.Render(draw.Fit(a.key, 5))+" "+l)
		}
	}
	lines, c.rows = append(lines, "  "+draw.Accent.Render("esc  ")+" back"), append(c.rows, "esc")
	return draw.Boxed(c.title, lines, boxWidth(lines, w))
}

// pressAt is the key that a line stands for.
func (c *choice) pressAt(y int) string {
	if y < 0 || y >= len(c.rows) {
		return ""
	}
	return c.rows[y]
}

func (c *choice) brief() string {
	b := c.short
	for _, a := range c.answers {
		b += "  " + a.key + " " + a.word
	}
	return b + "  esc back"
}

// What is asked of a run is asked while it goes on; an export is of any.
func (c *choice) steers() bool       { return true }
func (a *entry) steers() bool        { return true }
func (d *usersDialog) steers() bool  { return true }
func (d *exportDialog) steers() bool { return false }
func (d *helpDialog) steers() bool   { return false }

func boxWidth(lines []string, w int) int {
	most := 50
	for _, l := range lines {
		most = max(most, draw.Width(l)+1)
	}
	return max(min(most, w-4), 1)
}

func newQuitDialog(m *model) dialog {
	detach := "detach: it goes on until tload stop; tload attach opens it"
	if m.live.RunTime > 0 {
		detach = "detach: it goes on to the end of its " + typed(m.live.RunTime) + "; tload attach opens it"
	}
	return &choice{title: "A run is active", short: "quit:", answers: []answer{
		{"s", "stop", "stop it, write the results, quit", func(m *model) tea.Cmd {
			if m.live.State == swarm.Stopping {
				return m.stopNow(Quit)
			}
			m.quitting = true
			m.load.Stop("you")
			m.sayFor(time.Minute, "stopping: requests in flight get their grace; q again leaves at once")
			return nil
		}},
		{"d", "detach", detach, func(m *model) tea.Cmd { return m.quit(Detach) }},
	}}
}

func newStopDialog(*model) dialog {
	return &choice{title: "Stop the run?", short: "stop?", lines: []string{"The screens stay; R starts another run."}, answers: []answer{
		{"enter", "yes", "stop it", func(m *model) tea.Cmd {
			m.load.Stop("you")
			m.say("stopping")
			return nil
		}},
	}}
}

// entry is one line of text, and what is done with it.
type entry struct {
	title string
	lines []string
	label string
	text  *draw.Field
	done  func(m *model, text string) tea.Cmd
}

func (a *entry) paste(p tea.PasteMsg) { a.text.Update(p) }

func (a *entry) key(m *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "esc":
		return true, nil
	case "enter":
		return true, a.done(m, a.text.Trimmed())
	}
	a.text.Key(k)
	return false, nil
}

func (a *entry) view(_ *model, w, _ int) []string {
	bw := max(min(60, w-4), 1)
	var lines []string
	for _, l := range a.lines {
		lines = append(lines, " "+l)
	}
	lines = append(lines, " "+a.label+" [ "+a.text.View(max(bw-len(a.label)-7, 1), true)+" ]",
		draw.Right(draw.Accent.Render("enter")+" apply   "+draw.Accent.Render("esc")+" cancel ", bw))
	return draw.Boxed(a.title, lines, bw)
}

func (a *entry) brief() string {
	return a.title + ": " + a.text.View(12, true) + " enter/esc"
}

func newSegmentDialog(*model) dialog {
	return &entry{
		title: "New segment", label: "Name", text: newField(""),
		lines: []string{"The shown numbers begin again.", "What was so far is kept, as a segment of its own."},
		done: func(m *model, name string) tea.Cmd {
			m.load.Reset(name)
			m.say("new segment %s", name)
			return nil
		},
	}
}

func newMarkDialog(*model) dialog {
	return &entry{
		title: "Mark this moment", label: "Name", text: newField(""),
		lines: []string{"Shown on the charts and in the reports."},
		done: func(m *model, name string) tea.Cmd {
			if name == "" {
				name = "mark"
			}
			m.load.Mark(name)
			m.say("marked: %s", name)
			return nil
		},
	}
}

// usersDialog sets users and spawn rate exactly, or arrivals and how many users there may
// be for them.
type usersDialog struct {
	open        bool
	users, rate *draw.Field // rate is of users' spawning, or of arrivals
	second      bool
}

func newUsersDialog(m *model) dialog {
	d := &usersDialog{open: m.live.Open, users: newField(strconv.Itoa(int(m.level()))), rate: newField(strconv.FormatFloat(m.live.SpawnRate, 'f', -1, 64))}
	if d.open {
		d.users, d.rate = newField(strconv.Itoa(lastTarget(m.live))), newField(strconv.FormatFloat(m.level(), 'f', -1, 64))
		d.second = true // which stands first
	}
	return d
}

// lastTarget is how many users were asked for last, at most in the open model.
func lastTarget(s *swarm.Snapshot) int {
	for _, c := range slices.Backward(s.Changes) {
		if !c.Arrivals && c.Weight == "" && c.Who != "stop" {
			return int(c.To)
		}
	}
	return s.Target
}

func (d *usersDialog) focused() *draw.Field {
	if d.second {
		return d.rate
	}
	return d.users
}

func (d *usersDialog) paste(p tea.PasteMsg) { d.focused().Update(p) }

func (d *usersDialog) key(m *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "esc":
		return true, nil
	case "tab", "shift+tab", "up", "down":
		d.second = !d.second
	case "enter":
		users, rate, problem := d.read()
		if problem != "" {
			return false, nil // it stands in the dialog
		}
		switch {
		case d.open:
			if users != lastTarget(m.live) {
				m.load.Scale(users, "you")
			}
			m.drive(rate)
		default:
			if rate != m.live.SpawnRate {
				m.load.SetSpawnRate(rate)
			}
			m.drive(float64(users))
		}
		return true, nil
	default:
		f := d.focused()
		// What is there is what one comes to replace: the first digit does.
		if k.Text != "" && strings.Trim(k.Text, "0123456789. ") != "" {
			return false, nil
		}
		if k.Text != "" && !f.Touched {
			f.Set("")
		}
		f.Touched = true
		f.Key(k)
	}
	return false, nil
}

func (d *usersDialog) read() (users int, rate float64, problem string) {
	users, err := strconv.Atoi(strings.ReplaceAll(d.users.Trimmed(), " ", ""))
	switch {
	case users > mostUsers: // also of a number that does not fit an int
		return 0, 0, "users: at most " + thousands(mostUsers)
	case err != nil || users < 0:
		return 0, 0, "users: a whole number, such as 200"
	}
	rate, err = strconv.ParseFloat(d.rate.Trimmed(), 64)
	switch {
	case d.open && (err != nil || !(rate >= 0) || rate > swarm.MaxRate):
		return 0, 0, "arrivals: a number a second, such as 500"
	case !d.open && (err != nil || !(rate > 0) || math.IsInf(rate, 0)):
		return 0, 0, "spawn rate: a number above 0, such as 50"
	}
	return users, rate, ""
}

const mostUsers = swarm.MaxUsers

func (d *usersDialog) brief() string {
	if d.open {
		return "rate " + d.rate.View(7, d.second) + " users " + d.users.View(5, !d.second) + " enter/esc"
	}
	return "users " + d.users.View(7, !d.second) + " rate " + d.rate.View(5, d.second) + " enter/esc"
}

func (d *usersDialog) view(m *model, w, _ int) []string {
	const bw = 50
	users, rate, problem := d.read()
	hint := ""
	if d.open {
		hint = "the next one keeps the part of its wait that is left"
		if problem != "" {
			hint = draw.Bad.Render("✗ " + problem)
		}
		return draw.Boxed("Arrivals", []string{
			" Arrivals    [ " + d.rate.View(8, d.second) + " ] a second   now " + strconv.FormatFloat(m.live.Rate, 'f', -1, 64),
			" Users       [ " + d.users.View(8, !d.second) + " ] at most",
			" " + hint,
			draw.Right(draw.Accent.Render("enter")+" apply   "+draw.Accent.Render("esc")+" cancel ", bw),
		}, min(bw, max(w-4, 1)))
	}
	switch now := m.live.Running; {
	case problem != "":
		hint = draw.Bad.Render("✗ " + problem)
	case users > now:
		hint = fmt.Sprintf("reaches %s in %s", thousands(users), inTime(float64(users-now)/rate))
	case users < now:
		hint = fmt.Sprintf("%s users finish the task in hand and leave", thousands(now-users))
	default:
		hint = "as it is"
	}
	return draw.Boxed("Users", []string{
		" Target      [ " + d.users.View(8, !d.second) + " ]   now " + thousands(m.live.Running),
		" Spawn rate  [ " + d.rate.View(8, d.second) + " ] users/s",
		" " + hint,
		draw.Right(draw.Accent.Render("enter")+" apply   "+draw.Accent.Render("esc")+" cancel ", bw),
	}, min(bw, max(w-4, 1)))
}

// exportDialog writes what is shown, or the whole run, to a file.
type exportDialog struct {
	path    *draw.Field
	formats []string
	at      int
	base    string
	screen  string // what is shown, as text
	table   string // … as comma-separated values, empty if it is no table
}

func newExport(m *model, what, table string) dialog {
	d := &exportDialog{table: table}
	d.formats = append(d.formats, "txt")
	if table != "" {
		d.formats = append(d.formats, "csv")
	}
	if m.o.Export != nil {
		d.formats = append(d.formats, m.o.Formats...)
	}
	var b strings.Builder
	for _, l := range m.lines() {
		b.WriteString(strings.TrimRight(draw.Strip(l), " ") + "\n")
	}
	d.screen = b.String()
	d.base = filepath.Join(m.dir, what+"-"+m.now().Format("150405"))
	d.path = newField(d.base + ".txt")
	return d
}

func (d *exportDialog) paste(p tea.PasteMsg) { d.path.Update(p) }

func (d *exportDialog) key(m *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "esc":
		return true, nil
	case "tab", "down", "shift+tab", "up":
		step := 1
		if s := k.String(); s == "up" || s == "shift+tab" {
			step = len(d.formats) - 1
		}
		was := "." + ending(d.formats[d.at])
		d.at = (d.at + step) % len(d.formats)
		d.path.Set(strings.TrimSuffix(d.path.Value(), was) + "." + ending(d.formats[d.at]))
		return false, nil
	case "enter":
		path, format, snap, export := d.path.Trimmed(), d.formats[d.at], m.snap, m.o.Export
		if path == "" {
			return false, nil
		}
		text := ""
		switch {
		case d.at == 0:
			text = d.screen
		case d.at == 1 && d.table != "":
			text = d.table
		}
		return true, safely(func() tea.Msg {
			if text != "" {
				return savedMsg{what: "exported", path: path, size: len(text), err: writeFile(path, []byte(text), 0o644)}
			}
			err := export(format, path, snap)
			return savedMsg{what: "exported " + format, path: path, size: fileSize(path), err: err}
		})
	}
	d.path.Key(k)
	return false, nil
}

// ending of a format such as "csv" or "run as csv".
func ending(format string) string {
	f := strings.Fields(format)
	return f[len(f)-1]
}

func (d *exportDialog) brief() string {
	return "write " + d.path.View(20, true) + " enter/esc"
}

func (d *exportDialog) view(_ *model, w, _ int) []string {
	bw := max(min(64, w-4), 1)
	var formats []string
	for i, f := range d.formats {
		switch {
		case i == 0:
			f = "this screen as txt"
		case i == 1 && d.table != "":
			f = "this table as csv"
		default:
			f = "the run as " + f
		}
		sign := "( ) "
		if i == d.at {
			sign = draw.Accent.Render("(•) ")
		}
		formats = append(formats, " "+sign+f)
	}
	lines := append(formats, " Path [ "+d.path.View(max(bw-11, 1), true)+" ]",
		draw.Right(draw.Accent.Render("tab")+" format   "+draw.Accent.Render("enter")+" write   "+draw.Accent.Render("esc")+" cancel ", bw))
	return draw.Boxed("Export", lines, bw)
}
