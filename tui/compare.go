package tui

import (
	"slices"
	"strings"

	"tload/stats"
)

// diffLine is a line of a comparison: in both, only left, only right.
type diffLine struct {
	sign byte // ' ', '-', '+'; '#' for a heading
	text string
}

// mostCompared bounds the lines of each side: the comparison takes their product.
const mostCompared = 1500

// compare holds one exchange against another: status, headers, body.
func compare(a, b *stats.Exchange, s *secrets, reveal bool) []diffLine {
	head := func(x *stats.Exchange) (string, []string) {
		h := x.Response.Head
		if !reveal {
			h = s.head(h, hideButScheme)
		}
		line, _ := firstLine(h)
		if line == "" {
			line = x.Kind.String() + " " + oneLine(x.Message)
		}
		var names []string
		for _, l := range headers(h) {
			names = append(names, clean(l))
		}
		return clean(line), names
	}
	la, ha := head(a)
	lb, hb := head(b)
	out := []diffLine{{'#', "status"}}
	out = append(out, diff([]string{la}, []string{lb})...)
	out = append(out, diffLine{'#', "headers"})
	out = append(out, diffHeaders(ha, hb)...)
	out = append(out, diffLine{'#', "body"})
	da := docKey{x: a, revealed: reveal}.read(s)
	db := docKey{x: b, revealed: reveal}.read(s)
	out = append(out, diff(da.lines, db.lines)...)
	out = append(out, diffLine{'#', "request"})
	ra, rb := a.Request.Head, b.Request.Head
	if !reveal {
		ra, rb = s.head(ra, hideButScheme), s.head(rb, hideButScheme)
	}
	return append(out, diff(textLines(ra), textLines(rb))...)
}

// diffHeaders goes by name: the order of headers says nothing.
func diffHeaders(a, b []string) []diffLine {
	name := func(l string) string {
		k, _, _ := strings.Cut(l, ":")
		return strings.ToLower(k)
	}
	var out []diffLine
	used := make([]bool, len(b))
	for _, l := range a {
		i := slices.IndexFunc(b, func(o string) bool { return name(o) == name(l) })
		for i >= 0 && used[i] { // a name that comes more than once
			n := slices.IndexFunc(b[i+1:], func(o string) bool { return name(o) == name(l) })
			if n < 0 {
				i = -1
				break
			}
			i += n + 1
		}
		switch {
		case i < 0:
			out = append(out, diffLine{'-', l})
		case b[i] == l:
			used[i] = true
			out = append(out, diffLine{' ', l})
		default:
			used[i] = true
			out = append(out, diffLine{'-', l}, diffLine{'+', b[i]})
		}
	}
	for i, l := range b {
		if !used[i] {
			out = append(out, diffLine{'+', l})
		}
	}
	return out
}

// diff is the shortest way from a to b by the longest common subsequence; what
// is beyond the bound is compared line by line.
func diff(a, b []string) []diffLine {
	var head, tail []diffLine
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, diffLine{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, diffLine{' ', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	restA, restB := []string(nil), []string(nil)
	if len(a) > mostCompared {
		a, restA = a[:mostCompared], a[mostCompared:]
	}
	if len(b) > mostCompared {
		b, restB = b[:mostCompared], b[mostCompared:]
	}
	// common[i][j]: the longest common subsequence of a[i:] and b[j:].
	common := make([][]uint16, len(a)+1)
	for i := range common {
		common[i] = make([]uint16, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			head = append(head, diffLine{' ', a[i]})
			i, j = i+1, j+1
		case j >= len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			head = append(head, diffLine{'-', a[i]})
			i++
		default:
			head = append(head, diffLine{'+', b[j]})
			j++
		}
	}
	for _, l := range restA {
		head = append(head, diffLine{'-', l})
	}
	for _, l := range restB {
		head = append(head, diffLine{'+', l})
	}
	for k := len(tail) - 1; k >= 0; k-- {
		head = append(head, tail[k])
	}
	return head
}

// unified draws a comparison one line after the other.
func unified(lines []diffLine) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		switch l.sign {
		case '#':
			out[i] = "── " + l.text + " ──"
		default:
			out[i] = string(l.sign) + " " + l.text
		}
	}
	return out
}

// sideBySide draws a comparison in two columns.
func sideBySide(lines []diffLine, w int) []string {
	lw := (w - 3) / 2
	rw := w - 3 - lw
	var out []string
	for i := 0; i < len(lines); {
		switch l := lines[i]; l.sign {
		case '#':
			out = append(out, fit("── "+l.text+" "+strings.Repeat("─", max(w-len(l.text)-4, 0)), w))
			i++
		case ' ':
			out = append(out, fit(cut(l.text, lw), lw)+"   "+fit(cut(l.text, rw), rw))
			i++
		default:
			var l, r []string
			for ; i < len(lines) && lines[i].sign == '-'; i++ {
				l = append(l, lines[i].text)
			}
			for ; i < len(lines) && lines[i].sign == '+'; i++ {
				r = append(r, lines[i].text)
			}
			for k := range max(len(l), len(r)) {
				a, b, sign := "", "", " ≠ "
				if k < len(l) {
					a = l[k]
				} else {
					sign = " > "
				}
				if k < len(r) {
					b = r[k]
				} else {
					sign = " < "
				}
				out = append(out, fit(cut(a, lw), lw)+sign+fit(cut(b, rw), rw))
			}
		}
	}
	return out
}
