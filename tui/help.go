package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"tload/tui/draw"
)

// helpDialog lists what keys do here. Typing narrows it by key or by word, and
// enter runs the selected line.
type helpDialog struct {
	page  *page
	over  screen
	pages []*page // all that show a run
	title string
	typed *draw.Field
	at    int
	topAt int
}

func newHelp(m *model) dialog {
	where := []string{m.tabPage().name}
	for _, s := range m.tabs[m.tab][1:] {
		where = append(where, draw.CutMiddle(s.title(), 20))
	}
	if m.form != nil {
		where = []string{m.page().name}
	}
	return &helpDialog{page: m.page(), over: m.screen(), pages: m.pages.ofRun(), title: strings.Join(where, " › "), typed: newField("")}
}

type helpLine struct {
	head  string
	b     binding
	other string // where it works, if not here
}

// lines are the keys of this screen, those of every screen, and, once something
// is typed, those of others that match.
func (d *helpDialog) lines() (out []helpLine, shown, all int) {
	typed := strings.ToLower(d.typed.Trimmed())
	hit := func(b binding) bool {
		for _, k := range b.Keys() {
			if typed == k || typed == strings.ToLower(k) {
				return true
			}
		}
		return strings.Contains(strings.ToLower(b.Help().Desc+" "+b.foot), typed)
	}
	add := func(head string, list []binding, other bool) {
		for _, b := range list {
			if !hit(b) {
				continue
			}
			if head != "" {
				out, head = append(out, helpLine{head: head}), ""
			}
			l := helpLine{b: b}
			if other {
				l.other = strings.Join(d.where(b), ", ")
			}
			out = append(out, l)
			shown++
		}
	}
	var every []binding
	for _, p := range d.pages {
		for _, b := range p.keys {
			if !slices.ContainsFunc(every, b.same) {
				every = append(every, b)
			}
		}
	}
	var here, everywhere, elsewhere []binding
	for _, b := range d.page.keys {
		if b.of != nil && !b.of(d.over) {
			continue // this screen does not do it
		}
		if len(d.where(b)) == len(d.pages) {
			everywhere = append(everywhere, b)
		} else {
			here = append(here, b)
		}
	}
	for _, b := range every {
		if !d.page.has(b) {
			elsewhere = append(elsewhere, b)
		}
	}
	add("THIS SCREEN", here, false)
	add("EVERYWHERE", everywhere, false)
	if typed != "" {
		add("OTHER SCREENS", elsewhere, true)
	}
	return out, shown, len(every)
}

// where are the pages that have that line of the help.
func (d *helpDialog) where(b binding) (names []string) {
	for _, p := range d.pages {
		if p.has(b) {
			names = append(names, p.name)
		}
	}
	return names
}

func (d *helpDialog) paste(p tea.PasteMsg) { d.typed.Update(p); d.at = 0 }

func (d *helpDialog) key(m *model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	lines, _, _ := d.lines()
	step := 0
	switch k.String() {
	case "esc":
		return true, nil
	case "down":
		step = 1
	case "up":
		step = -1
	case "pgdown":
		step = 8
	case "pgup":
		step = -8
	case "enter":
		if d.at >= 0 && d.at < len(lines) && lines[d.at].head == "" && lines[d.at].other == "" {
			m.dialogs = m.dialogs[:len(m.dialogs)-1]
			return false, m.do(lines[d.at].b, "")
		}
		return false, nil
	default:
		d.typed.Key(k)
		d.at = 0
		lines, _, _ = d.lines()
	}
	d.at = min(max(d.at+step, 0), max(len(lines)-1, 0))
	for d.at < len(lines) && lines[d.at].head != "" { // not on a heading
		if step < 0 && d.at > 0 {
			d.at--
		} else {
			d.at++
		}
	}
	d.at = min(d.at, max(len(lines)-1, 0))
	return false, nil
}

// pressAt selects a line; the one that is selected is run.
func (d *helpDialog) pressAt(y int) string {
	lines, _, _ := d.lines()
	i := d.topAt + y - 1
	if i < 0 || i >= len(lines) || lines[i].head != "" {
		return ""
	}
	if i == d.at {
		return "enter"
	}
	d.at = i
	return ""
}

func (d *helpDialog) brief() string { return "keys: too small to list them  esc back" }

func (d *helpDialog) view(_ *model, w, h int) []string {
	bw, bh := max(min(w-4, 90), 1), max(h-4, 3)
	lines, shown, all := d.lines()
	room := max(bh-3, 1)
	if d.at == 0 && len(lines) > 0 && lines[0].head != "" {
		d.at = min(1, len(lines)-1)
	}
	if d.at < d.topAt {
		d.topAt = d.at
	}
	d.topAt = max(min(d.topAt, max(len(lines)-room, 0)), d.at-room+1, 0)
	if d.at == 1 {
		d.topAt = 0
	}
	var out []string
	for i := d.topAt; i < len(lines) && len(out) < room; i++ {
		l := lines[i]
		if l.head != "" {
			out = append(out, " "+draw.Heading.Render(l.head))
			continue
		}
		line := "   " + draw.Fit(l.b.Help().Key, 13) + " " + l.b.Help().Desc
		if l.other != "" {
			line = draw.Between(draw.Cut(line, bw-draw.Width(l.other)-4), "("+l.other+") ", bw)
		}
		if i == d.at {
			line = draw.Tinted(draw.Fit(line, bw))
		}
		out = append(out, line)
	}
	if len(lines) == 0 {
		out = append(out, "   no key matches")
	}
	out = draw.Sized(out, bw, room)
	out = append(out, draw.Between(fmt.Sprintf(" %d of %d keys · enter runs the selected one · esc closes", shown, all), "", bw))
	title := "Keys: " + d.title
	box := draw.Boxed(title, out, bw)
	typed := " type to filter: " + d.typed.View(12, true) + " "
	if draw.Width(title)+draw.Width(typed)+8 < bw {
		top := draw.First(box[0], bw-draw.Width(typed))
		box[0] = top + typed + draw.Focus.Render("─╮")
	}
	return box
}
