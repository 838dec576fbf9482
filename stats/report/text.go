package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tload/stats"
)

// The summary fits a terminal of 80 by 24 whatever the run was: what must be
// there is counted first, and endpoints and errors share the lines that remain.
const (
	textLines   = 24
	textColumns = 80
)

// exits are the ends of a run in words.
var exits = map[string]string{
	"run-time":    "ended by its run time",
	"iterations":  "ended by its iterations",
	"shape":       "ended with its shape",
	"search":      "ended with its search",
	"unreachable": "ended, for the target was never reached,",
	"so-far":      "goes on, so far",
	"you":         "stopped by you",
	"interrupt":   "stopped by ctrl+c",
	"ctrl+c":      "stopped by ctrl+c",
	"signal":      "stopped by a signal",
	"SIGTERM":     "stopped by SIGTERM",
	"hangup":      "stopped when the terminal was lost",
	"threshold":   "stopped by a threshold that did not hold",
	"command":     "stopped by tload stop",
	"users-ended": "ended when all users had ended",
}

// Text writes the summary that stays in the terminal: at most 24 lines of 80
// columns, without escapes. Secrets in names are the caller's to mask.
func Text(w io.Writer, r *Run) error { return writeText(w, r, false) }

// WholeText is Text for where no terminal cuts a line, as in a file or the log
// of a build: names are whole, and lines as long as that takes.
func WholeText(w io.Writer, r *Run) error { return writeText(w, r, true) }

func writeText(w io.Writer, r *Run, whole bool) error {
	t := &r.Snapshot.Total.Run
	title := textTitle(r)
	head := title
	if f := r.Find; f != nil {
		head = append(head, wrapped("  find ", plain(f.Asked()+": "+f.String()))...)
	}
	head = append(head, textTotals(t))
	head = append(head, textLatency(r)...)
	head = append(head, textCounters(r.Snapshot.Counters, whole)...)
	if t.Redirects > 0 {
		head = append(head, fmt.Sprintf("  redirects %s followed, requests on the wire besides those above", count(t.Redirects)))
	}
	if t.Aborted > 0 {
		head = append(head, fmt.Sprintf("  aborted %s still going on at the end   oldest %s ms", count(t.Aborted), millis(t.AbortAge.Max)))
	}
	tail := textThresholds(r.Thresholds)
	tail = append(tail, textGenerator(&r.Generator)...)
	if r.Err != "" {
		tail = append(tail, wrapped("  ✗ ", plain(r.Err))...)
	}
	const least = 6 // lines for endpoints and errors
	for i, n := range r.Notes[:min(len(r.Notes), 3)] {
		if lines := wrapped("  ! ", plain(n)); i < 2 || len(head)+len(tail)+len(lines)+least < textLines {
			tail = append(tail, lines...)
		}
	}
	if r.Dir != "" {
		tail = append(tail, "  saved "+plain(r.Dir)+saved(r))
	}

	rows := busiest(r.rows())
	groups := r.groups()
	room := textLines - len(head) - len(tail)
	lines := head
	forErrors := min(len(groups), 4)
	if forErrors > 0 {
		forErrors++ // their title
	}
	if len(rows) > 0 {
		lines = append(lines, textRows(rows, room-forErrors, t, whole)...)
	}
	lines = append(lines, textGroups(groups, textLines-len(lines)-len(tail), whole)...)
	lines = append(lines, tail...)
	for _, l := range lines {
		if !whole {
			l = cut(l, textColumns)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(l, " ")); err != nil {
			return err
		}
	}
	return nil
}

func textTitle(r *Run) []string {
	end := exits[r.Exit]
	switch {
	case end != "":
	case r.Exit == "":
		end = "cut short: its end was not recorded"
	default:
		end = "ended: " + plain(r.Exit)
	}
	if r.Hangup && r.Exit != "hangup" {
		end += ", the terminal lost on the way,"
	}
	title := fmt.Sprintf("tload: %s after %s", end, clock(r.Snapshot.Elapsed))
	if r.Snapshot.Apart > 0 {
		title += fmt.Sprintf(", the first %s apart as a warm-up", clock(r.Snapshot.Apart))
	}
	rest := fmt.Sprintf("peak %s  %s", users(r.Peak), plain(r.Host))
	if columns(title)+2+columns(rest) <= textColumns {
		return []string{title + "  " + rest}
	}
	return append([]string{title}, wrapped("  ", rest)...)
}

// textCounters is a line of what behaviours counted, as much as fits.
func textCounters(rows []stats.Row, whole bool) []string {
	line, left := "", 0
	for i := range rows {
		item := "   " + plain(rows[i].Key.Name) + " " + counterText(&rows[i].Run)
		if line == "" {
			item = "  counted " + strings.TrimLeft(item, " ")
		} else if !whole && columns(line+item) > textColumns-8 {
			left++
			continue
		}
		line += item
	}
	switch {
	case line == "":
		return nil
	case left > 0:
		line += fmt.Sprintf("   +%d", left)
	}
	return []string{line}
}

// counterText is a counter in words: its value, and its share of the calls where it may be
// one.
func counterText(s *stats.Summary) string {
	if s.Counted() >= s.Requests {
		return count(s.Counted())
	}
	return fmt.Sprintf("%s (%s of %s)", count(s.Counted()), share(s.Counted(), s.Requests), count(s.Requests))
}

func users(n int) string {
	if n == 1 {
		return "1 user"
	}
	return count(uint64(max(n, 0))) + " users"
}

func textTotals(t *stats.Summary) string {
	line := fmt.Sprintf("  requests %s   RPS %s   failed %s (%s)", count(t.Requests), rate(t.RPS), count(t.Failures), share(t.Failures, t.Requests))
	// What does not fit is left to the files, and never cut in its midst.
	for _, more := range []string{"   in " + size(t.In), "   out " + size(t.Out)} {
		if columns(line+more) <= textColumns {
			line += more
		}
	}
	return line
}

// textLatency puts the corrected times beside the service times wherever a
// start was due, and the failures' apart from the successes'.
func textLatency(r *Run) []string {
	t := &r.Snapshot.Total.Run
	line := func(name string, l *stats.Latency) string {
		return fmt.Sprintf("  %-12s p50 %-5s p90 %-5s p95 %-5s p99 %-5s p99.9 %-5s max %s", name,
			cell(l, l.P50), cell(l, l.P90), cell(l, l.P95), cell(l, l.P99), cell(l, l.P999), cell(l, l.Max))
	}
	var out []string
	if t.OK.Count > 0 {
		out = append(out, line("latency ms", &t.OK))
	}
	if t.Failed.Count > 0 {
		out = append(out, line("failed ms", &t.Failed))
	}
	switch {
	case t.Requests == 0 && r.Partial:
		out = append(out, "  no request is left of what was counted")
	case t.Requests == 0:
		out = append(out, "  no request was answered")
	}
	if timed(t) {
		if t.Corrected.Count > 0 {
			out = append(out, line("corrected ms", &t.Corrected))
		}
		out = append(out, fmt.Sprintf("  late %s of the starts   not started %s", share(t.Late, t.Due), count(t.NotStarted)))
	}
	return out
}

// textRows is the table of endpoints in at most room lines. Its percentiles are
// of successes; there is one more column for the times that say most besides:
// corrected ones where starts were due, or else those of failures.
func textRows(rows []stats.Row, room int, t *stats.Summary, whole bool) []string {
	room = max(room, 3)
	shown := rows
	if len(rows) > room-1 {
		shown = rows[:room-2]
	}
	name, more, last := 26, "", func(*stats.Summary) string { return "" }
	switch {
	case timed(t):
		name, more, last = 18, "  corr99", func(s *stats.Summary) string { return cell(&s.Corrected, s.Corrected.P99) }
	case t.Failures > 0:
		name, more, last = 18, "  fail99", func(s *stats.Summary) string { return cell(&s.Failed, s.Failed.P99) }
	}
	for i := range shown {
		if whole {
			name = max(name, columns(plain(shown[i].Key.Name)))
		}
	}
	out := []string{fmt.Sprintf("  %-7s%s%11s%9s%7s%6s%6s%6s", "METHOD", fit("ENDPOINT", name), "REQS", "RPS", "FAIL%", "p50", "p95", "p99") + more}
	for i := range shown {
		s := &shown[i].Run
		l := &s.OK
		line := fmt.Sprintf("  %s%s%11s%9s%7s%6s%6s%6s", fit(plain(shown[i].Key.Method), 6)+" ", fitName(plain(shown[i].Key.Name), name),
			count(s.Requests), rate(s.RPS), percent(s.Failures, s.Requests), cell(l, l.P50), cell(l, l.P95), cell(l, l.P99))
		out = append(out, line+fmt.Sprintf("%*s", len(more), last(s)))
	}
	if n := len(rows) - len(shown); n > 0 {
		var rest uint64
		for i := range rows[len(shown):] {
			rest += rows[len(shown)+i].Run.Requests
		}
		out = append(out, "  "+fit(fmt.Sprintf("… and %d more endpoints", n), 7+name)+fmt.Sprintf("%11s", count(rest)))
	}
	return out
}

// cell is a percentile in five columns: milliseconds, and past ten seconds
// seconds with their unit.
func cell(l *stats.Latency, d time.Duration) string {
	if l.Count == 0 {
		return "-"
	}
	switch {
	case d >= 100*time.Second:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d >= 9999500*time.Microsecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return millis(d)
}

const kindColumns = 9

// counted is how often a group failed in the run.
func counted(g *stats.Group) uint64 { return g.Count }

// textGroups is the list of failures in at most room lines. A message that does
// not fit beside the rest follows whole, as far as there is room for it.
func textGroups(groups []*stats.Group, room int, whole bool) []string {
	if len(groups) == 0 {
		return nil
	}
	room = max(room, 2)
	shown := groups
	if len(groups) > room-1 {
		shown = groups[:max(room-2, 0)]
	}
	sum, _ := stats.GroupsInWords(groups, counted)
	out := []string{"  errors: " + sum}
	spare := room - 1 - len(shown)
	if len(groups) > len(shown) {
		spare--
	}
	for _, g := range shown {
		kind := g.Label()
		if columns(kind) > kindColumns {
			kind = g.KindLabel()
		}
		kept := fmt.Sprintf(" [%d kept]", len(g.Samples))
		what := fit(kind, kindColumns) + " " + strings.TrimSpace(plain(g.Key.Key.Method+" "+g.Key.Key.Name))
		room := kindColumns + 22
		if whole {
			room = max(room, columns(what))
		}
		line, message := fmt.Sprintf("  %9s  %s  ", count(g.Count), fit(what, room)), plain(g.Message)
		if columns(line+message) > textColumns-len(kept) {
			below := wrapped(strings.Repeat(" ", 13), message)
			if len(below) <= spare {
				spare -= len(below)
				out = append(append(out, beside(line, kept, whole)), below...)
				continue
			}
		}
		out = append(out, beside(line+message, kept, whole))
	}
	if n := len(groups) - len(shown); n > 0 {
		var rest uint64
		for _, g := range groups[len(shown):] {
			rest += g.Count
		}
		out = append(out, fmt.Sprintf("  %9s  in %d more groups", count(rest), n))
	}
	return out
}

// beside puts end at the end of a line, which gives way only on a terminal.
func beside(line, end string, whole bool) string {
	room := textColumns - len(end)
	if whole {
		room = max(room, columns(line))
	}
	return fit(line, room) + end
}

func textThresholds(list []Threshold) []string {
	var broken []Threshold
	for _, t := range list {
		if !t.Held {
			broken = append(broken, t)
		}
	}
	if len(list) == 0 {
		return nil
	}
	var out []string
	const most = 3
	if len(broken) == 0 {
		out = append(out, fmt.Sprintf("  ✓ all %d thresholds held", len(list)))
	}
	for _, t := range list { // a slip in a name must not be a threshold that always holds
		if t.Held && t.Note != "" && len(out) < most {
			out = append(out, wrapped("  ! ", fmt.Sprintf("fail-if %s held: %s", plain(t.Expr), plain(t.Note)))...)
		}
	}
	for _, t := range broken[:min(len(broken), most)] {
		out = append(out, wrapped("  ✗ ", fmt.Sprintf("fail-if %s: %s", plain(t.Expr), valueText(t)))...)
	}
	if n := len(broken) - most; n > 0 {
		out = append(out, fmt.Sprintf("  ✗ … and %d more thresholds did not hold", n))
	}
	return out
}

func valueText(t Threshold) string {
	switch {
	case t.Value == nil && t.Note != "":
		return plain(t.Note)
	case t.Value == nil:
		return "nothing to measure"
	}
	return fmt.Sprintf("it was %.4g", *t.Value)
}

// textGenerator is always there: a reader must know whose latency was measured.
func textGenerator(g *Generator) []string {
	switch {
	case g.Verdict == "":
		return []string{"  ! how well the load generator was is not known"}
	case g.Verdict == "ok":
		return []string{"  ✓ generator ok   cpu " + stats.CPU(g.CPUPercent, g.Cores)}
	}
	out := []string{fmt.Sprintf("  ✗ generator was not well for %s: latency in that time is not the target's",
		clock(time.Duration(g.SuspectSeconds)*time.Second))}
	if len(g.Reasons) > 0 {
		out = append(out, wrapped("    ", plain(g.Reasons[0]))...)
	}
	return out
}

// wrapped breaks a line between words, so that nothing of it is lost. The lines
// after the first are indented alike.
func wrapped(lead, text string) (out []string) {
	line := lead
	for _, word := range strings.Fields(text) {
		switch {
		case line == lead:
			line += word
		case columns(line)+1+columns(word) > textColumns:
			out = append(out, line)
			lead = strings.Repeat(" ", columns(lead))
			line = lead + word
		default:
			line += " " + word
		}
	}
	return append(out, line)
}

// saved lists what lies in the directory, so far as there is room.
func saved(r *Run) string {
	list := " (summary.json stats.csv report.html)"
	if slices.ContainsFunc(r.Snapshot.Groups, func(g *stats.Group) bool { return len(g.Samples) > 0 }) {
		list = " (summary.json stats.csv errors/ report.html)"
	}
	if columns(r.Dir)+len("  saved ")+len(list) > textColumns {
		return ""
	}
	return list
}
