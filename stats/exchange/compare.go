package exchange

import (
	"slices"
	"strings"

	"tload/stats"
)

// Line is a line of a comparison: in both, only left, only right. Its text is as
// it came from outside.
type Line struct {
	Sign byte // ' ', '-', '+'; '#' for a heading
	Text string
}

// mostCompared bounds the lines of each side: the comparison takes their product.
const mostCompared = 1500

// Compare holds one exchange against another: status, headers, body, and what
// was sent.
func Compare(a, b *stats.Exchange, m *Masker) []Line {
	if m.Masks() {
		m.Learn(a)
		m.Learn(b)
	}
	head := func(x *stats.Exchange) (string, []string) {
		h := m.response(x).Head
		line, _ := FirstLine(h)
		if line == "" {
			line = x.Kind.String() + " " + x.Message
		}
		return line, Headers(h)
	}
	body := func(x *stats.Exchange) []string {
		d := Reading{}.Read(x, m)
		if d.Hex {
			return hexLines(d.Text)
		}
		return lines(d.Text)
	}
	la, ha := head(a)
	lb, hb := head(b)
	out := []Line{{'#', "status"}}
	out = append(out, diff([]string{la}, []string{lb})...)
	out = append(out, Line{'#', "headers"})
	out = append(out, diffHeaders(ha, hb)...)
	out = append(out, Line{'#', "body"})
	out = append(out, diff(body(a), body(b))...)
	out = append(out, Line{'#', "request"})
	return append(out, diff(lines(m.Head(a.Request.Head)), lines(m.Head(b.Request.Head)))...)
}

// lines are those of a text, without their ends.
func lines(text []byte) (out []string) {
	for len(text) > 0 {
		line, end := cutLine(text)
		text = text[len(line)+len(end):]
		out = append(out, string(line))
	}
	return out
}

// diffHeaders goes by name: the order of headers says nothing.
func diffHeaders(a, b []string) []Line {
	name := func(l string) string {
		k, _, _ := strings.Cut(l, ":")
		return strings.ToLower(k)
	}
	var out []Line
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
			out = append(out, Line{'-', l})
		case b[i] == l:
			used[i] = true
			out = append(out, Line{' ', l})
		default:
			used[i] = true
			out = append(out, Line{'-', l}, Line{'+', b[i]})
		}
	}
	for i, l := range b {
		if !used[i] {
			out = append(out, Line{'+', l})
		}
	}
	return out
}

// diff is the shortest way from a to b by the longest common subsequence; what
// is beyond the bound is compared line by line.
func diff(a, b []string) []Line {
	var head, tail []Line
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, Line{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, Line{' ', a[len(a)-1]})
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
			head = append(head, Line{' ', a[i]})
			i, j = i+1, j+1
		case j >= len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			head = append(head, Line{'-', a[i]})
			i++
		default:
			head = append(head, Line{'+', b[j]})
			j++
		}
	}
	for _, l := range restA {
		head = append(head, Line{'-', l})
	}
	for _, l := range restB {
		head = append(head, Line{'+', l})
	}
	for k := len(tail) - 1; k >= 0; k-- {
		head = append(head, tail[k])
	}
	return head
}
