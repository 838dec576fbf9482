package tui

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// textview shows lines: it scrolls, wraps, numbers and searches them, and looks
// only at those it draws.
type textview struct {
	lines   []string
	numbers bool
	flush   bool // no margin: the lines bring their own
	wrap    bool
	colour  func(string) string // of one line; nil for none

	top    int    // first line drawn
	sub    int    // … and how many of its wrapped rows are above
	skip   int    // columns scrolled away
	h, w   int    // drawn last
	sought string // what is searched for, as it was typed
	search *regexp.Regexp
	hit    int // line of the match we are on, -1 for none
	hits   int
}

func (t *textview) set(lines []string, keep bool) {
	t.lines = lines
	if !keep {
		t.top, t.sub, t.skip, t.hit = 0, 0, 0, -1
	}
	t.clamp()
	t.count()
}

func (t *textview) clamp() {
	most := len(t.lines) - t.h
	if t.wrap {
		most = len(t.lines) - 1
	}
	if t.top >= most {
		t.sub = 0
	}
	t.top = max(min(t.top, most), 0)
}

// move is what every text understands.
func (t *textview) move(by move) {
	half := max(t.h/2, 1)
	switch by {
	case up:
		t.top, t.sub = t.top-1, 0
	case down:
		t.down()
	case pageUp:
		t.top, t.sub = t.top-half, 0
	case pageDown:
		if t.wrap {
			for range half {
				t.down()
			}
		} else {
			t.top += half
		}
	case top:
		t.top, t.sub = 0, 0
	case bottom:
		t.top, t.sub = len(t.lines), 0
		if t.wrap {
			t.top = t.lastTop()
		}
	case left:
		t.skip = max(t.skip-8, 0)
	case rightward:
		t.skip += 8
	case wrap:
		t.wrap, t.skip, t.sub = !t.wrap, 0, 0
	case nextMatch:
		t.next(1)
	case prevMatch:
		t.next(-1)
	}
	t.clamp()
}

// down goes one row on: in a line that takes many screens the rows count.
func (t *textview) down() {
	if t.wrap && t.top < len(t.lines) {
		if t.sub++; t.sub < t.rows(t.lines[t.top]) {
			return
		}
		if t.top == len(t.lines)-1 {
			t.sub--
			return
		}
	}
	t.top, t.sub = t.top+1, 0
}

func (t *textview) rows(line string) int {
	return len(breaks(line, max(t.w-t.gutter(), 1))) - 1
}

// breaks are the columns at which the rows of a wrapped line begin, and its
// end. None lies inside a mark such as ‹U+202E›, unless that is wider than a row.
func breaks(line string, w int) []int {
	all := width(line)
	out := []int{0}
	var marks [][2]int
	for i, col := 0, 0; ; {
		at := strings.Index(line[i:], "‹U+")
		if at < 0 {
			break
		}
		end := strings.Index(line[i+at:], "›")
		if end < 0 {
			break
		}
		end += i + at + len("›")
		col += width(line[i : i+at])
		from := col
		col += width(line[i+at : end])
		marks = append(marks, [2]int{from, col})
		i = end
	}
	for at := w; at < all; {
		for _, m := range marks {
			if m[0] < at && at < m[1] && m[0] > out[len(out)-1] {
				at = m[0]
			}
		}
		out = append(out, at)
		at += w
	}
	return append(out, all)
}

func (t *textview) lastTop() int {
	rows := 0
	for i := len(t.lines) - 1; i >= 0; i-- {
		rows += t.rows(t.lines[i])
		if rows >= t.h {
			return min(i+1, len(t.lines)-1)
		}
	}
	return 0
}

// find searches for text, as a filter does: "~" begins a regular expression.
func (t *textview) find(text string) {
	t.sought, t.search, t.hit = text, nil, -1
	if text == "" {
		return
	}
	expr := regexp.QuoteMeta(text)
	if len(text) > 1 && text[0] == '~' {
		if _, err := regexp.Compile(text[1:]); err == nil {
			expr = text[1:]
		}
	}
	if !strings.ContainsFunc(text, unicode.IsUpper) {
		expr = "(?i)" + expr
	}
	t.search = regexp.MustCompile(expr)
	t.count()
	t.hit = t.top - 1
	t.next(1)
}

// mostCounted bounds the lines in which matches are counted while one types.
const mostCounted = 20_000

func (t *textview) count() {
	t.hits = 0
	if t.search == nil {
		return
	}
	if len(t.lines) > mostCounted {
		t.hits = -1
		return
	}
	for _, l := range t.lines {
		if t.search.MatchString(l) {
			t.hits++
		}
	}
}

func (t *textview) next(step int) {
	if t.search == nil || t.hits == 0 {
		return
	}
	for i, n := t.hit, 0; n < len(t.lines); n++ {
		i = (i + step + len(t.lines)) % len(t.lines)
		if t.search.MatchString(t.lines[i]) {
			t.hit = i
			if i < t.top || i >= t.top+t.h {
				t.top, t.sub = i-t.h/3, 0
			}
			if !t.wrap {
				at := t.search.FindStringIndex(t.lines[i])
				if col := width(t.lines[i][:at[0]]); col < t.skip || col >= t.skip+t.w-t.gutter() {
					t.skip = max(col-t.w/2, 0)
				}
			}
			t.clamp()
			return
		}
	}
}

func (t *textview) gutter() int {
	if !t.numbers && t.flush {
		return 0
	}
	if !t.numbers {
		return 1
	}
	return max(len(fmt.Sprint(len(t.lines))), 3) + 1
}

// where is the position for a title: "line 1-13 of 13"; number writes the figures.
func (t *textview) where(number func(int) string) string {
	if len(t.lines) == 0 {
		return ""
	}
	from, to, all := number(t.top+1), number(min(t.top+max(t.h, 1), len(t.lines))), number(len(t.lines))
	switch {
	case t.search != nil && t.hits < 0:
		return fmt.Sprintf("%s-%s/%s", from, to, all)
	case t.search != nil:
		return fmt.Sprintf("%s found · %s-%s/%s", number(t.hits), from, to, all)
	}
	return fmt.Sprintf("line %s-%s of %s", from, to, all)
}

func (t *textview) draw(w, h int) []string {
	t.w, t.h = w, h
	t.clamp()
	g := t.gutter()
	room := max(w-g, 1)
	var out []string
	for i := t.top; i < len(t.lines) && len(out) < h; i++ {
		line := t.lines[i]
		lead := strings.Repeat(" ", g)
		if t.numbers {
			lead = dim.Styled(right(fmt.Sprint(i+1), g-1)) + " "
		}
		show := line
		if t.colour != nil {
			show = t.colour(line)
		}
		if t.search != nil {
			show = t.paint(line, show, i == t.hit)
		}
		if !t.wrap {
			if t.skip > 0 {
				show = ansi.Cut(show, t.skip, t.skip+room)
			}
			if width(line)-t.skip > room {
				show = whole(ansi.Truncate(show, room-1, "")) + "\x1b[m" + dim.Styled("…")
			}
			out = append(out, lead+show)
			continue
		}
		at := breaks(line, room)
		rows := len(at) - 1
		first := 0
		if i == t.top {
			first = min(t.sub, rows-1)
		}
		for r := first; r < rows && len(out) < h; r++ {
			if r > 0 {
				lead = strings.Repeat(" ", g)
			}
			out = append(out, lead+ansi.Cut(show, at[r], at[r+1])+"\x1b[m")
		}
	}
	return sized(out, w, h)
}

// paint marks the matches of the search in a line.
func (t *textview) paint(line, styled string, here bool) string {
	at := t.search.FindAllStringIndex(line, 50)
	if at == nil {
		return styled
	}
	st := matched
	if here {
		st = inverse
	}
	var b strings.Builder
	end := 0
	for _, m := range at {
		if m[0] == m[1] {
			continue
		}
		b.WriteString(line[end:m[0]])
		b.WriteString(st.Styled(line[m[0]:m[1]]))
		end = m[1]
	}
	b.WriteString(line[end:])
	return b.String()
}
