package draw

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Text shows lines: it scrolls, wraps, numbers and searches them, and looks
// only at those it draws.
type Text struct {
	Lines   []string
	Numbers bool
	Flush   bool // no margin: the lines bring their own
	wrap    bool
	Colour  func(i int, line string) string // a line with styles; nil for none

	Top    int    // first line drawn
	sub    int    // … and how many of its wrapped rows are above
	skip   int    // columns scrolled away
	h, w   int    // drawn last
	Sought string // what is searched for, as it was typed
	search *regexp.Regexp
	hit    int // line of the match we are on, -1 for none
	hits   int
}

// Set takes other lines; keep leaves the reader where he is.
func (t *Text) Set(lines []string, keep bool) {
	t.Lines = lines
	if !keep {
		t.Top, t.sub, t.skip, t.hit = 0, 0, 0, -1
	}
	t.clamp()
	t.count()
}

func (t *Text) clamp() {
	most := len(t.Lines) - t.h
	if t.wrap {
		most = len(t.Lines) - 1
	}
	if t.Top >= most {
		t.sub = 0
	}
	t.Top = max(min(t.Top, most), 0)
}

// Move is what every text understands.
func (t *Text) Move(by Move) {
	half := max(t.h/2, 1)
	switch by {
	case MoveUp:
		t.Top, t.sub = t.Top-1, 0
	case MoveDown:
		t.down()
	case PageUp:
		t.Top, t.sub = t.Top-half, 0
	case PageDown:
		if t.wrap {
			for range half {
				t.down()
			}
		} else {
			t.Top += half
		}
	case MoveTop:
		t.Top, t.sub = 0, 0
	case MoveBottom:
		t.Top, t.sub = len(t.Lines), 0
		if t.wrap {
			t.Top = t.lastTop()
		}
	case MoveLeft:
		t.skip = max(t.skip-8, 0)
	case MoveRight:
		t.skip += 8
	case Wrap:
		t.wrap, t.skip, t.sub = !t.wrap, 0, 0
	case NextMatch:
		t.next(1)
	case PrevMatch:
		t.next(-1)
	}
	t.clamp()
}

// down goes one row on: in a line that takes many screens the rows count.
func (t *Text) down() {
	if t.wrap && t.Top < len(t.Lines) {
		if t.sub++; t.sub < t.rows(t.Lines[t.Top]) {
			return
		}
		if t.Top == len(t.Lines)-1 {
			t.sub--
			return
		}
	}
	t.Top, t.sub = t.Top+1, 0
}

func (t *Text) rows(line string) int {
	return len(breaks(line, max(t.w-t.gutter(), 1))) - 1
}

// breaks are the columns at which the rows of a wrapped line begin, and its
// end. None lies inside an escape such as ‹U+202E›, unless that is wider than a row.
func breaks(line string, w int) []int {
	all := Width(line)
	out := []int{0}
	var escapes [][2]int
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
		col += Width(line[i : i+at])
		from := col
		col += Width(line[i+at : end])
		escapes = append(escapes, [2]int{from, col})
		i = end
	}
	for at := w; at < all; {
		for _, m := range escapes {
			if m[0] < at && at < m[1] && m[0] > out[len(out)-1] {
				at = m[0]
			}
		}
		out = append(out, at)
		at += w
	}
	return append(out, all)
}

func (t *Text) lastTop() int {
	rows := 0
	for i := len(t.Lines) - 1; i >= 0; i-- {
		rows += t.rows(t.Lines[i])
		if rows >= t.h {
			return min(i+1, len(t.Lines)-1)
		}
	}
	return 0
}

// Find searches for text, as a filter does: "~" begins a regular expression.
func (t *Text) Find(text string) {
	t.Sought, t.search, t.hit = text, nil, -1
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
	t.hit = t.Top - 1
	t.next(1)
}

// mostCounted bounds the lines in which matches are counted while one types.
const mostCounted = 20_000

func (t *Text) count() {
	t.hits = 0
	if t.search == nil {
		return
	}
	if len(t.Lines) > mostCounted {
		t.hits = -1
		return
	}
	for _, l := range t.Lines {
		if t.search.MatchString(l) {
			t.hits++
		}
	}
}

func (t *Text) next(step int) {
	if t.search == nil || t.hits == 0 {
		return
	}
	for i, n := t.hit, 0; n < len(t.Lines); n++ {
		i = (i + step + len(t.Lines)) % len(t.Lines)
		if t.search.MatchString(t.Lines[i]) {
			t.hit = i
			if i < t.Top || i >= t.Top+t.h {
				t.Top, t.sub = i-t.h/3, 0
			}
			if !t.wrap {
				at := t.search.FindStringIndex(t.Lines[i])
				if col := Width(t.Lines[i][:at[0]]); col < t.skip || col >= t.skip+t.w-t.gutter() {
					t.skip = max(col-t.w/2, 0)
				}
			}
			t.clamp()
			return
		}
	}
}

func (t *Text) gutter() int {
	if !t.Numbers && t.Flush {
		return 0
	}
	if !t.Numbers {
		return 1
	}
	return max(len(fmt.Sprint(len(t.Lines))), 3) + 1
}

// Where is the position for a title: "line 1-13 of 13"; number writes the figures.
func (t *Text) Where(number func(int) string) string {
	if len(t.Lines) == 0 {
		return ""
	}
	from, to, all := number(t.Top+1), number(min(t.Top+max(t.h, 1), len(t.Lines))), number(len(t.Lines))
	switch {
	case t.search != nil && t.hits < 0:
		return fmt.Sprintf("%s-%s/%s", from, to, all)
	case t.search != nil:
		return fmt.Sprintf("%s found · %s-%s/%s", number(t.hits), from, to, all)
	}
	return fmt.Sprintf("line %s-%s of %s", from, to, all)
}

// Draw is the lines from where the reader is, h rows of w.
func (t *Text) Draw(w, h int) []string {
	t.w, t.h = w, h
	t.clamp()
	g := t.gutter()
	room := max(w-g, 1)
	var out []string
	for i := t.Top; i < len(t.Lines) && len(out) < h; i++ {
		line := t.Lines[i]
		lead := strings.Repeat(" ", g)
		if t.Numbers {
			lead = Dim.Render(Right(fmt.Sprint(i+1), g-1)) + " "
		}
		show := line
		if t.Colour != nil {
			show = t.Colour(i, line)
		}
		if t.search != nil {
			show = t.paint(line, show, i == t.hit)
		}
		if !t.wrap {
			if t.skip > 0 {
				show = ansi.Cut(show, t.skip, t.skip+room)
			}
			if Width(line)-t.skip > room {
				show = whole(ansi.Truncate(show, room-1, "")) + "\x1b[m" + Dim.Render("…")
			}
			out = append(out, lead+show)
			continue
		}
		at := breaks(line, room)
		rows := len(at) - 1
		first := 0
		if i == t.Top {
			first = min(t.sub, rows-1)
		}
		for r := first; r < rows && len(out) < h; r++ {
			if r > 0 {
				lead = strings.Repeat(" ", g)
			}
			out = append(out, lead+ansi.Cut(show, at[r], at[r+1])+"\x1b[m")
		}
	}
	return Sized(out, w, h)
}

// paint marks the matches of the search in a line.
func (t *Text) paint(line, styled string, here bool) string {
	at := t.search.FindAllStringIndex(line, 50)
	if at == nil {
		return styled
	}
	st := matched
	if here {
		st = Inverse
	}
	var b strings.Builder
	end := 0
	for _, m := range at {
		if m[0] == m[1] {
			continue
		}
		b.WriteString(line[end:m[0]])
		b.WriteString(st.Render(line[m[0]:m[1]]))
		end = m[1]
	}
	b.WriteString(line[end:])
	return b.String()
}
