//go:build unix

package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tload/behaviours"
)

// faulty fails in every way that is counted: a request by its status, by a
// check, by a timeout and by a check that panics; a task by an error that it
// returns and by a panic. Each task begins with a request to a path of its own,
// so that the target knows how often each happened.
var faulty = behaviours.Behaviour{
	Name: "Faulty",
	Wait: behaviours.Constant(time.Millisecond),
	New: func(u *behaviours.User) *behaviours.Set {
		get := func(name string, then func() error, opts ...behaviours.Option) behaviours.Task {
			return behaviours.Task{Name: name, Run: func(ctx context.Context) error {
				if _, err := u.Get(ctx, "/"+name, opts...); err != nil || then == nil {
					return err
				}
				return then()
			}}
		}
		weigh := func(t behaviours.Task, n int) behaviours.Task {
			t.Weight = n
			return t
		}
		return &behaviours.Set{Tasks: []behaviours.Task{
			weigh(get("fine", nil), 8),
			weigh(get("status", nil), 5),
			weigh(get("check", nil, behaviours.BodyContains("socks")), 4),
			weigh(get("timeout", nil, behaviours.Timeout(30*time.Millisecond)), 2),
			weigh(get("badcheck", nil, behaviours.Check(func(*behaviours.Response) error { panic("no reply to look at") })), 1),
			weigh(get("error", func() error { return errors.New("the basket is empty") }), 7),
			weigh(get("panic", func() error { panic("no basket") }), 3),
		}}
	},
}

// What the target counted of each path is what stands in which table.
var (
	failing   = []string{"status", "check", "timeout", "badcheck"} // as requests
	mistaken  = []string{"error", "panic", "badcheck"}             // as tasks, of their own
	unfailing = []string{"fine", "error", "panic"}                 // as requests
)

// witness is a target that counts.
type witness struct {
	mu    sync.Mutex
	paths map[string]int // guarded by mu
}

func (c *witness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	c.mu.Lock()
	c.paths[name]++
	c.mu.Unlock()
	switch name {
	case "status":
		http.Error(w, "out of order", http.StatusServiceUnavailable)
	case "timeout":
		<-r.Context().Done()
	default:
		fmt.Fprint(w, "shoes")
	}
}

// truth is what a witness has counted.
type truth struct {
	*testing.T
	paths map[string]int
}

func (c *witness) truth(t *testing.T) truth {
	c.mu.Lock()
	defer c.mu.Unlock()
	return truth{t, maps.Clone(c.paths)}
}

func (x truth) of(names ...string) (n int) {
	for _, name := range names {
		n += x.paths[name]
	}
	return n
}

func (x truth) all() int { return x.of(slices.Collect(maps.Keys(x.paths))...) }

func (x truth) equal(what string, got, want int) {
	x.Helper()
	if got != want {
		x.Errorf("%s: got %d, the target counted %d", what, got, want)
	}
}

// table holds what a table says of each path against the target.
func (x truth) table(what string, got map[string]int, names []string) {
	x.Helper()
	if len(got) != len(names) {
		x.Errorf("%s: got %d rows %v, want %v", what, len(got), got, names)
	}
	for _, name := range names {
		x.equal(what+" "+name, got[name], x.of(name))
	}
}

// TestEveryTotalIsTheTargets makes a run with every kind of failure and adds up
// all tables that are made of it against what the target counted.
func TestEveryTotalIsTheTargets(t *testing.T) {
	x := open(t, 160, 45)
	target := &witness{paths: map[string]int{}}
	server := httptest.NewServer(target)
	defer server.Close()
	x.typed("faulty --host=" + server.URL + " -u 8 -r 1000 -n 4000 --out run")
	x.wait("failures of all kinds", func(s string) bool { return strings.Contains(s, "Errors(7)") })
	x.keys("f")
	x.oneMoment(x.see("FROZEN"))
	x.keys("f")
	x.within(20*time.Second, "end of the run", func(s string) bool { return strings.Contains(s, "STOPPED") })
	counted := target.truth(t)
	for _, name := range slices.Concat(failing, unfailing) {
		if counted.of(name) == 0 {
			t.Fatalf("nothing was sent to %s: %v", name, counted.paths)
		}
	}
	x.totals(counted, 160)
	x.tmux("resize-window", "-x", "80", "-y", "24")
	x.keys("1")
	x.wait("80 columns", func(s string) bool {
		return len([]rune(strings.Split(s, "\n")[0])) <= 80 && strings.Contains(s, "LAST ERRORS")
	})
	x.totals(counted, 80)
	x.keys("q")
	x.see("saved run")
	dir := filepath.Join(x.dir, "run")
	summaryText(counted, read(t, dir, "summary.txt"))
	summaryJSON(counted, read(t, dir, "summary.json"))
	csvFiles(counted, dir)
	page(counted, read(t, dir, "report.html"))
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// totals adds up the screens of a run that is over.
func (x *terminal) totals(want truth, columns int) {
	x.t.Helper()
	at := func(what string) string { return fmt.Sprint(what, " at ", columns, " columns") }
	show := func(sign string, keys ...string) string {
		for _, k := range keys {
			x.keys(k)
		}
		return x.see(sign)
	}
	requests := slices.Concat(failing, unfailing)
	for _, s := range []struct{ what, sign, key string }{{"dashboard", "ENDPOINTS", "1"}, {"stats", "STATS", "2"}} {
		screen := show(s.sign, s.key)
		rows := column(screen, "ENDPOINT", "REQS")
		x.keys("G") // a small screen has some below
		x.wait("all rows", func(s string) bool {
			maps.Copy(rows, column(s, "ENDPOINT", "REQS"))
			return len(rows) == 1+len(requests)
		})
		x.keys("g")
		want.equal(at(s.what+": all requests"), rows["AGGREGATED"], want.all())
		delete(rows, "AGGREGATED")
		want.table(at(s.what+": requests"), rows, requests)
		if columns > 100 {
			fails := column(screen, "ENDPOINT", "FAILS")
			want.equal(at(s.what+": all failures"), fails["AGGREGATED"], want.of(failing...))
		}
	}
	want.words(at("dashboard: errors"), show("ENDPOINTS", "1"))
	screen := show("PREVIEW", "4")
	want.words(at("errors"), screen)
	sum := 0
	for _, n := range column(screen, "KIND", "COUNT") {
		sum += n
	}
	want.equal(at("errors: rows"), sum, want.of(failing...)+want.of(mistaken...))
	screen = show("TASKS", "2", "Tab", "Tab")
	want.table(at("tasks: runs"), column(screen, "TASK", "RUNS"), requests)
	x.keys("Tab")
	x.see("STATS")
	screen = show("BEHAVIOUR / TASK", "5")
	runs, failed := column(screen, "BEHAVIOUR / TASK", "RUNS"), column(screen, "BEHAVIOUR / TASK", "FAILED")
	for _, name := range requests {
		want.equal(at("users: runs of "+name), runs[name], want.of(name))
		if name != "fine" {
			want.equal(at("users: failed "+name), failed[name], want.of(name))
		}
	}
}

// oneMoment adds up a dashboard of a run that goes on: whatever has failed by
// then, the endpoints and the groups have the same of it.
func (x *terminal) oneMoment(screen string) {
	x.t.Helper()
	fails := column(screen, "ENDPOINT", "FAILS")
	sum := 0
	for name, n := range fails {
		if name != "AGGREGATED" {
			sum += n
		}
	}
	m := inWords.FindStringSubmatch(screen)
	if m == nil || sum == 0 || sum != fails["AGGREGATED"] || sum != figure(m[1]) {
		x.t.Errorf("the endpoints have %d failures, their total is %d, the title of the errors says %q\n%s", sum, fails["AGGREGATED"], m, screen)
	}
}

var inWords = regexp.MustCompile(`(\d[\d ]*) failed requests(?: in (\d+))?, (\d[\d ]*) task errors(?: in (\d+) groups)?`)

// words holds a title of failures against the target.
func (x truth) words(what, text string) {
	x.Helper()
	m := inWords.FindStringSubmatch(text)
	if m == nil {
		x.Errorf("%s: no sum of the failures in\n%s", what, text)
		return
	}
	x.equal(what+": failed requests", figure(m[1]), x.of(failing...))
	x.equal(what+": task errors", figure(m[3]), x.of(mistaken...))
	if m[2] != "" { // there was room for them
		x.equal(what+": groups of requests", figure(m[2]), len(failing))
		x.equal(what+": groups of task errors", figure(m[4]), len(mistaken))
	}
}

// figure is a number with blanks between its thousands.
func figure(s string) int {
	n, err := strconv.Atoi(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		return -1
	}
	return n
}

var (
	lastFigure = regexp.MustCompile(`(\d{1,3}(?: \d{3})*) *$`)
	rowName    = regexp.MustCompile(`\b(AGGREGATED|` + strings.Join(slices.Concat(failing, unfailing), "|") + `)\b`)
)

// column is a column of numbers in the first table that has both headings, by
// the names of its rows.
func column(screen, of, heading string) map[string]int {
	out := map[string]int{}
	end := -1
	for _, line := range strings.Split(screen, "\n") {
		cells := []rune(line)
		switch {
		case end < 0 && strings.Contains(line, of) && strings.Contains(line, heading):
			before, _, _ := strings.Cut(line, heading)
			end = len([]rune(before + heading))
			if end < len(cells) && (cells[end] == '▼' || cells[end] == '▲') {
				end++
			}
		case end >= 0 && len(cells) > 0 && strings.ContainsRune("─╰╭", cells[0]):
			return out
		case end >= 0 && len(cells) >= end:
			m := lastFigure.FindStringSubmatch(string(cells[:end]))
			name := rowName.FindString(line)
			if m == nil || name == "" {
				continue
			}
			for i := 2; out[name] > 0; i++ { // of groups only the number matters
				name = fmt.Sprint(name, i)
			}
			out[name] = figure(m[1])
		}
	}
	return out
}

func summaryText(want truth, text string) {
	want.Helper()
	for _, f := range []struct {
		pattern string
		want    int
	}{{`(?m)^  requests (\d[\d ]*\d)  `, want.all()}, {` failed (\d[\d ]*\d) \(`, want.of(failing...)}} {
		m := regexp.MustCompile(f.pattern).FindStringSubmatch(text)
		if m == nil {
			want.Errorf("summary.txt: no %s in\n%s", f.pattern, text)
			continue
		}
		want.equal("summary.txt: "+f.pattern, figure(m[1]), f.want)
	}
	table, list, _ := strings.Cut(text, "  errors: ")
	rows := column(table, "ENDPOINT", "REQS")
	want.table("summary.txt: requests", rows, slices.Concat(failing, unfailing))
	want.words("summary.txt: errors", list)
	sum, before := 0, 1<<60
	// Where there is little room, the last line is of the groups that have none.
	for _, m := range regexp.MustCompile(`(?m)^ {2,10}(\d[\d ]*\d|\d)  ([A-Z]|in \d+ more groups)`).FindAllStringSubmatch(list, -1) {
		n := figure(m[1])
		if n > before && len(m[2]) == 1 {
			want.Errorf("summary.txt: a group of %d stands below one of %d:\n%s", n, before, list)
		}
		sum, before = sum+n, n
	}
	want.equal("summary.txt: groups", sum, want.of(failing...)+want.of(mistaken...))
}

func summaryJSON(want truth, text string) {
	want.Helper()
	type numbers struct {
		Name               string
		Requests, Failures int
		Status, Kinds      map[string]int
		OK                 map[string]float64 `json:"ok_latency_ms"`
	}
	type group struct {
		Name, Task, Kind string
		Count            int
	}
	var s struct {
		Total     numbers
		Endpoints []numbers
		Tasks     []struct {
			Task           string
			Runs, Failures int
		}
		Errors     []group
		Exceptions []group
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		want.Fatal(err)
	}
	want.equal("summary.json: requests", s.Total.Requests, want.all())
	want.equal("summary.json: failures", s.Total.Failures, want.of(failing...))
	want.equal("summary.json: status 503", s.Total.Status["503"], want.of("status"))
	want.equal("summary.json: status 200", s.Total.Status["200"], want.all()-want.of("status", "timeout"))
	for kind, name := range map[string]string{"HTTP": "status", "CHECK": "check", "TIMEOUT": "timeout", "PANIC": "badcheck"} {
		want.equal("summary.json: kind "+kind, s.Total.Kinds[kind], want.of(name))
	}
	requests, failures := map[string]int{}, map[string]int{}
	for _, e := range s.Endpoints {
		name := strings.TrimPrefix(e.Name, "/")
		requests[name] = e.Requests
		if e.Failures > 0 {
			failures[name] = e.Failures
		}
		if (e.OK == nil) != slices.Contains(failing, name) {
			want.Errorf("summary.json: %s: times of successes %v", name, e.OK)
		}
	}
	want.table("summary.json: requests", requests, slices.Concat(failing, unfailing))
	want.table("summary.json: failures", failures, failing)
	runs := map[string]int{}
	for _, r := range s.Tasks {
		runs[r.Task] = r.Runs
	}
	want.table("summary.json: runs", runs, slices.Concat(failing, unfailing))
	for _, list := range []struct {
		what   string
		groups []group
		names  []string
	}{{"errors", s.Errors, failing}, {"exceptions", s.Exceptions, mistaken}} {
		got := map[string]int{}
		for i, g := range list.groups {
			got[strings.TrimPrefix(g.Name+g.Task, "/")] = g.Count
			if i > 0 && g.Count > list.groups[i-1].Count {
				want.Errorf("summary.json: %s are not sorted by count: %v", list.what, list.groups)
			}
		}
		want.table("summary.json: "+list.what, got, list.names)
	}
}

func csvFiles(want truth, dir string) {
	want.Helper()
	// table is a column of a file, by another one.
	table := func(file, of, what string) map[string]int {
		rows, err := csv.NewReader(strings.NewReader(read(want.T, dir, file))).ReadAll()
		if err != nil {
			want.Fatal(err)
		}
		name, number := slices.Index(rows[0], of), slices.Index(rows[0], what)
		out := map[string]int{}
		for _, r := range rows[1:] {
			out[strings.TrimPrefix(r[name], "/")] = figure(r[number])
		}
		return out
	}
	requests := table("stats.csv", "Name", "Request Count")
	want.equal("stats.csv: all requests", requests["Aggregated"], want.all())
	delete(requests, "Aggregated")
	want.table("stats.csv: requests", requests, slices.Concat(failing, unfailing))
	fails := table("stats.csv", "Name", "Failure Count")
	want.equal("stats.csv: all failures", fails["Aggregated"], want.of(failing...))
	want.table("failures.csv", table("failures.csv", "Name", "Occurrences"), failing)
	exceptions := table("exceptions.csv", "Message", "Count")
	want.equal("exceptions.csv: rows", len(exceptions), len(mistaken))
	for message, name := range map[string]string{"the basket is empty": "error", "panic: no basket": "panic", "panic: no reply to look at": "badcheck"} {
		want.equal("exceptions.csv: "+message, exceptions[message], want.of(name))
	}
	most := func(m map[string]int) int { return slices.Max(slices.Collect(maps.Values(m))) }
	want.equal("stats_history.csv: requests", most(table("stats_history.csv", "Timestamp", "Total Request Count")), want.all())
	want.equal("stats_history.csv: failures", most(table("stats_history.csv", "Timestamp", "Total Failure Count")), want.of(failing...))
	for name, median := range table("stats.csv", "Name", "Median Response Time") {
		if half := table("stats.csv", "Name", "50%")[name]; median != half {
			want.Errorf("stats.csv: %s: a median of %d, and %d as 50%%", name, median, half)
		}
	}
}

func page(want truth, text string) {
	want.Helper()
	cells := func(pattern string, part string) map[string]int {
		out := map[string]int{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(part, -1) {
			out[m[1]] = figure(m[2])
		}
		return out
	}
	after := func(title string) string {
		_, rest, ok := strings.Cut(text, "<h2>"+title)
		if !ok {
			want.Errorf("report.html: no %s", title)
		}
		rest, _, _ = strings.Cut(rest, "<h2>")
		return rest
	}
	// The count is the fourth figure of a row, after RPS and failed %.
	const row = `<td class="l">(?:/|)([a-z ]+)</td><td>[^<]*</td><td>[^<]*</td><td>([\d ]+)</td>`
	for _, t := range []struct {
		title string
		names []string
	}{{"Service time of successes", unfailing}, {"Service time of failures", failing}} {
		got := cells(row, after(t.title))
		want.equal("report.html: "+t.title+": all", got["all requests"], want.of(t.names...))
		delete(got, "all requests")
		want.table("report.html: "+t.title, got, t.names)
	}
	want.table("report.html: tasks", cells(`<td class="l">([a-z]+)</td><td>([\d ]+)</td>`, after("Tasks")), slices.Concat(failing, unfailing))
	const group = `<summary><b>([\d ]+)</b> × `
	for _, g := range []struct {
		title, words string
		names        []string
	}{{"Failures: ", "failed requests", failing}, {"Exceptions of the behaviours: ", "task errors", mistaken}} {
		part := after(g.title)
		title, _, _ := strings.Cut(part, "</h2>")
		want.equal("report.html: "+g.title, figure(strings.Split(title, " "+g.words)[0]), want.of(g.names...))
		sum := 0
		for _, m := range regexp.MustCompile(group).FindAllStringSubmatch(part, -1) {
			sum += figure(m[1])
		}
		want.equal("report.html: rows of "+g.title, sum, want.of(g.names...))
	}
}
