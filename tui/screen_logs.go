package tui

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"tload/tui/draw"
)

// logScreen is what the program logged, newest last.
type logScreen struct {
	blankScreen
	least   slog.Level
	at      int // id of the selected record, 0: the last
	follow  bool
	wrap    bool
	query   query
	records []logRecord
	all     int
	h       int
	skip    int
}

func newLogScreen() *logScreen { return &logScreen{follow: true} }

func (s *logScreen) name() string { return "Logs" }

func logsPage() *page {
	return &page{
		key: "7", make: func() screen { return newLogScreen() }, search: filtersRows(),
		footer: []string{"j", "F", "v", "w", "/", "enter", "y", "f", "q"},
		keys: slices.Concat([]binding{
			wrapLines(),
			bind("v", "level", "least level that is shown", on((*logScreen).nextLevel)),
			bind("F", "follow", "follow the end", on((*logScreen).toggleFollow)),
			copyCell(),
		}, steering(), nextTabs()),
	}
}

func (s *logScreen) refresh(m *model) {
	if m.frozen && len(s.records) > 0 {
		return
	}
	all := m.o.Logs.all()
	s.all = len(all)
	s.records = s.records[:0]
	for _, r := range all {
		if r.level >= s.least && (s.query.empty() || s.query.match(subject{text: r.level.String() + " " + r.text})) {
			s.records = append(s.records, r)
		}
	}
}

func (s *logScreen) filtered(m *model, text string) {
	s.query = parseQuery(text)
	s.refresh(m)
}
func (s *logScreen) filterText() string { return s.query.text }

// index is where the selected record is.
func (s *logScreen) index() int {
	if s.follow || s.at == 0 {
		return len(s.records) - 1
	}
	for i, r := range s.records {
		if r.id >= s.at {
			return i
		}
	}
	return len(s.records) - 1
}

func (s *logScreen) to(i int) {
	i = min(max(i, 0), len(s.records)-1)
	if i < 0 {
		return
	}
	s.follow = i == len(s.records)-1 && s.follow
	s.at = s.records[i].id
}

var logLevels = []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

func (s *logScreen) move(_ *model, by draw.Move) tea.Cmd {
	i := s.index()
	switch by {
	case draw.MoveUp:
		s.follow = false
		s.to(i - 1)
	case draw.MoveDown:
		s.to(i + 1)
	case draw.PageUp:
		s.follow = false
		s.to(i - max(s.h/2, 1))
	case draw.PageDown:
		s.to(i + max(s.h/2, 1))
	case draw.MoveTop:
		s.follow = false
		s.to(0)
	case draw.MoveBottom:
		s.follow = true
	case draw.MoveLeft:
		s.skip = max(s.skip-8, 0)
	case draw.MoveRight:
		s.skip += 8
	case draw.Wrap:
		s.wrap, s.skip = !s.wrap, 0
	}
	return nil
}

func (s *logScreen) toggleFollow(*model) tea.Cmd {
	if r, ok := s.selected(); ok {
		s.at = r.id
	}
	s.follow = !s.follow
	return nil
}

func (s *logScreen) nextLevel(m *model) tea.Cmd {
	s.least = logLevels[(slices.Index(logLevels, s.least)+1)%len(logLevels)]
	s.refresh(m)
	return nil
}

// selected is the record under the cursor.
func (s *logScreen) selected() (logRecord, bool) {
	if i := s.index(); i >= 0 && i < len(s.records) {
		return s.records[i], true
	}
	return logRecord{}, false
}

// copyCell copies the line; it is all there is of a row.
func (s *logScreen) copyCell(m *model) tea.Cmd {
	if r, ok := s.selected(); ok {
		return m.copyText("line", r.text)
	}
	return nil
}

func (s *logScreen) copyRow(m *model) tea.Cmd { return s.copyCell(m) }

func (s *logScreen) export(m *model) tea.Cmd {
	var b strings.Builder
	for _, r := range s.records {
		fmt.Fprintf(&b, "%s %s %s\n", r.when.Format("15:04:05.000"), r.level, r.text)
	}
	return m.askExport("log", b.String())
}

// open goes to the error group that a line speaks of.
func (s *logScreen) open(m *model) tea.Cmd {
	r, ok := s.selected()
	if !ok {
		return nil
	}
	for _, g := range m.snap.Groups {
		if strings.Contains(r.text, g.Key.Key.Name) && strings.Contains(r.text, g.Key.Kind.String()) {
			return openGroup(m, g)
		}
	}
	m.say("this line speaks of no error group that is kept")
	return nil
}

func (s *logScreen) view(m *model, w, h int) draw.Pane {
	state := "scrolled (F follows)"
	if s.follow {
		state = "following (F)"
	}
	title := draw.Heading.Render("LOGS") + fmt.Sprintf(" %s  level ≥ %s (v)  %s ", plural(s.all, "line"), strings.ToLower(levelName(s.least)), state)
	end := ""
	if s.query.text != "" {
		end = " " + s.query.caption(len(s.records), s.all) + " "
	}
	return draw.Section{Title: title, End: end, Focused: true, Body: func(w, h int) draw.Pane {
		s.h = h
		return draw.Pane{Lines: s.lines(w, h, true), Areas: []draw.Area{{W: w, H: h, Wheel: func(by draw.Move) { s.move(m, by) }}}}
	}}.Draw(w, h, m.layout.boxed)
}

// lines are the records that end with the selected one, or hold it.
func (s *logScreen) lines(w, h int, cursor bool) []string {
	at := s.index()
	var out []string
	if at < 0 {
		return draw.Sized([]string{" nothing was logged"}, w, h)
	}
	last := at
	if !s.follow { // some of what comes after, too
		last = min(at+h/2, len(s.records)-1)
		if at < h/2 {
			last = min(h-1, len(s.records)-1)
		}
	}
	for i := last; i >= 0 && len(out) < h; i-- {
		lines := s.record(s.records[i], w)
		if i == at && cursor && !s.follow {
			for k := range lines {
				lines[k] = draw.Tinted(draw.Fit(lines[k], w))
			}
		}
		out = append(lines, out...)
	}
	if len(out) > h {
		out = out[len(out)-h:]
	}
	return draw.Sized(out, w, h)
}

func levelName(l slog.Level) string { return l.String() }

func (s *logScreen) record(r logRecord, w int) []string {
	st := draw.Dim
	switch {
	case r.level >= slog.LevelError:
		st = draw.BadBold
	case r.level >= slog.LevelWarn:
		st = draw.Warning
	}
	lead := " " + r.when.Local().Format("15:04:05") + " " + st.Render(draw.Fit(r.level.String(), 5)) + " "
	room := max(w-draw.Width(lead)-1, 1)
	text := r.text
	count := ""
	if r.count > 1 {
		count = fmt.Sprintf("  (×%s)", thousands(r.count))
	}
	if !s.wrap {
		text = clean(oneLine(text)) + count
		if s.skip > 0 {
			text = draw.Rest(text, s.skip)
		}
		return []string{lead + draw.Cut(text, room)}
	}
	var out []string
	for i, l := range strings.Split(strings.TrimRight(text, "\n")+count, "\n") {
		for _, part := range draw.WrapText(clean(l), room) {
			if len(out) == 0 && i == 0 {
				out = append(out, lead+part)
			} else {
				out = append(out, strings.Repeat(" ", draw.Width(lead))+part)
			}
		}
		if len(out) > 60 {
			break
		}
	}
	if len(out) == 0 {
		out = []string{lead}
	}
	return out
}

// lastLogs are the newest lines, for the dashboard.
func lastLogs(m *model, w, h int) []string {
	s := &logScreen{follow: true, least: slog.LevelInfo}
	s.refresh(m)
	return s.lines(w, h, false)
}
