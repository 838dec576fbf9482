package draw

import (
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Section is a part of a screen under a title.
type Section struct {
	Title   string        // at the beginning of its first line; one with styles keeps them
	End     string        // at the end of that, as long as there is room
	Where   func() string // … in its place: what is known only when the body is drawn
	Focused bool          // it has the keys
	Body    func(w, h int) Pane
}

// Draw is the section in h lines of w: in a box, or under a rule.
func (s Section) Draw(w, h int, boxed bool) Pane {
	edge := Edge
	if s.Focused {
		edge = Focus
	}
	if !boxed || w < 4 || h < 3 {
		in := s.Body(w, max(h-1, 0))
		if s.Where != nil {
			s.End = s.Where()
		}
		out := Pane{Lines: []string{titled("", "", s.Title, s.End, w, edge, s.Focused)}}
		out.Put(Pane{Lines: Sized(in.Lines, w, max(h-1, 0)), Areas: in.Areas})
		return out
	}
	in := s.Body(w-2, h-2)
	if s.Where != nil {
		s.End = s.Where()
	}
	b := lipgloss.RoundedBorder()
	body := edge.Border(b, false, true, true).BorderForeground(edge.GetForeground()).UnsetForeground().
		Render(strings.Join(Sized(in.Lines, w-2, h-2), "\n"))
	top := titled(b.TopLeft, b.TopRight, s.Title, s.End, w, edge, s.Focused)
	return Pane{Lines: append([]string{top}, strings.Split(body, "\n")...), Areas: in.At(1, 1)}
}

// Lines are a body of so many lines that are there already.
func Lines(lines ...string) func(w, h int) Pane {
	return func(int, int) Pane { return Pane{Lines: lines} }
}

// Rule is a line that opens a section: ─TITLE────── with something at its end.
func Rule(title, end string, w int, focused bool) string {
	edge := Edge
	if focused {
		edge = Focus
	}
	return titled("", "", title, end, w, edge, focused)
}

// titled is the first line of a section, between corners or none.
func titled(left, right, title, end string, w int, edge lipgloss.Style, focused bool) string {
	if w <= 0 {
		return ""
	}
	st := Heading
	if focused {
		st = Accent
	}
	if title != "" && !strings.Contains(title, "\x1b") {
		title = st.Render(title)
	}
	corners := Width(left) + Width(right)
	gap := w - 1 - corners - Width(title) - Width(end)
	if end != "" {
		gap--
	}
	if gap < 0 {
		end, gap = "", max(w-1-corners-Width(title), 0)
	}
	line := edge.Render(left+"─") + title
	switch {
	case end == "":
		line += edge.Render(strings.Repeat("─", gap) + right)
	case gap == 0:
		line += end + edge.Render("─"+right)
	default:
		line += edge.Render(strings.Repeat("─", gap)) + end + edge.Render("─"+right)
	}
	return Fit(line, w)
}

// Reversed is a line in reverse video: whatever styles it had would end that half way,
// so they go.
func Reversed(line string) string { return Inverse.Render(ansi.Strip(line)) }

// Sign is a sign and a word's colour for something well or not.
func Sign(ok bool) string {
	if ok {
		return Good.Render("✓")
	}
	return BadBold.Render("✗")
}

// Sized is lines cut and padded to exactly w by h.
func Sized(lines []string, w, h int) []string {
	out := make([]string, max(h, 0))
	for i := range out {
		if i < len(lines) {
			out[i] = Fit(lines[i], w)
		} else {
			out[i] = strings.Repeat(" ", max(w, 0))
		}
	}
	return out
}

// Layers are boxes over a frame, the last one on top.
type Layers struct {
	over *lipgloss.Compositor
	x, y []int
}

// Over lays boxes on the middle of a frame.
func Over(frame []string, boxes [][]string, w, h int) ([]string, *Layers) {
	l := &Layers{over: lipgloss.NewCompositor(lipgloss.NewLayer(strings.Join(frame, "\n")))}
	for i, box := range boxes {
		bw := 0
		for _, line := range box {
			bw = max(bw, Width(line))
		}
		bw, bh := min(bw, w), min(len(box), h)
		x, y := (w-bw)/2, max((h-bh)/3, 0)
		l.x, l.y = append(l.x, x), append(l.y, y)
		l.over.AddLayers(lipgloss.NewLayer(strings.Join(Sized(box, bw, bh), "\n")).ID(strconv.Itoa(i)).X(x).Y(y).Z(i + 1))
	}
	return Sized(strings.Split(l.over.Render(), "\n"), w, h), l // the library trims blanks at the ends
}

// Hit is the box at a cell and where in it that is; -1 for none.
func (l *Layers) Hit(x, y int) (box, atX, atY int) {
	i, err := strconv.Atoi(l.over.Hit(x, y).ID())
	if err != nil {
		return -1, 0, 0
	}
	return i, x - l.x[i], y - l.y[i]
}

// Boxed draws a border with a title round lines that are w wide.
func Boxed(title string, lines []string, w int) []string {
	s := Section{Title: " " + Heading.Render(title) + " ", Focused: true, Body: Lines(lines...)}
	return s.Draw(w+2, len(lines)+2, true).Lines
}
