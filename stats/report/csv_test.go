package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tload/stats"
)

func TestCSVIsLocusts(t *testing.T) {
	r := shop()
	var b bytes.Buffer
	if err := CSVStats(&b, r); err != nil {
		t.Fatal(err)
	}
	want := "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time," +
		"Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%\r\n" +
		"GET,/,1000,0,12,12.0,12.0,12.0,256.0,100.0,0.0,12,12,12,12,12,12,12,12,12,12,12\r\n" +
		"POST,/cart,100,10,44,160.0,44.0,1204.0,0.0,10.0,1.0,44,44,44,44,44,1204,1204,1204,1204,1204,1204\r\n" +
		",Aggregated,1100,10,12,25.454545,12.0,1204.0,232.72727272727272,110.0,1.0,12,12,12,12,12,44,44,44,1204,1204,1204\r\n"
	if got := b.String(); got != want {
		t.Errorf("stats.csv: got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	if err := CSVHistory(&b, r); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\r\n"), "\r\n")
	if len(lines) != 11 || !strings.HasPrefix(lines[0], "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,") ||
		!strings.HasSuffix(lines[0], "100%,Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,"+
			"Total Min Response Time,Total Max Response Time,Total Average Content Size") {
		t.Errorf("stats_history.csv: got %d lines, head %s", len(lines), lines[0])
	}
	first := fmt.Sprintf("%d,5,,Aggregated,110.000000,1.000000,12,", begin.Unix()+1)
	if !strings.HasPrefix(lines[1], first) || !strings.Contains(lines[3], ",330,3,12,") {
		t.Errorf("stats_history.csv: got\n%s\n%s, want the first to begin with %s and the third to have 330 requests so far", lines[1], lines[3], first)
	}
	b.Reset()
	if err := CSVFailures(&b, r); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "Method,Name,Error,Occurrences,First Seen,Last Seen\r\nPOST,/cart,503 Service Unavailable,10,2026-11-22T18:00:00Z,2026-11-22T18:00:09Z\r\n"; got != want {
		t.Errorf("failures.csv: got %q, want %q", got, want)
	}
	b.Reset()
	c := newCSV(&b)
	c.row(` lead`, `a,b`, `say "x"`, "two\nlines", "")
	c.flush()
	if got, want := b.String(), " lead,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\r\n"; got != want {
		t.Errorf("quoting: got %q, want what Python's csv writes, %q", got, want)
	}
}

// TestHistoryEndsWithTheRun: whenever a run ends, the last row has all of it,
// and no row has the rate of a few milliseconds.
func TestHistoryEndsWithTheRun(t *testing.T) {
	for _, test := range []struct {
		end  time.Duration
		rows int
	}{{7 * time.Millisecond, 1}, {900 * time.Millisecond, 1}, {time.Second, 1}, {3004 * time.Millisecond, 3}, {3700 * time.Millisecond, 4}} {
		l := stats.NewLedger(0, 0)
		for now := time.Duration(0); now < test.end; {
			span := min(250*time.Millisecond, test.end-now)
			now += span
			var b stats.Batch
			b.Row(stats.Key{Method: "GET", Name: "/"}).OK.AddN(time.Millisecond, uint64(span/time.Millisecond))
			l.Fold(&b, now, stats.Users{Running: 2, Target: 2})
		}
		var b bytes.Buffer
		if err := CSVHistory(&b, &Run{Meta: Meta{Started: begin}, Snapshot: l.Snapshot()}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\r\n"), "\r\n")[1:]
		if len(lines) != test.rows {
			t.Errorf("%v: got %d rows, want %d\n%s", test.end, len(lines), test.rows, &b)
		}
		stamps := map[string]bool{}
		for i, line := range lines {
			fields := strings.Split(line, ",")
			if stamps[fields[0]] {
				t.Errorf("%v: two rows of %s", test.end, fields[0])
			}
			stamps[fields[0]] = true
			if fields[1] != "2" || fields[4] != "1000.000000" {
				t.Errorf("%v, row %d: got %s users and %s requests/s, want 2 and 1000", test.end, i, fields[1], fields[4])
			}
			if total := strconv.Itoa(int(test.end / time.Millisecond)); i == len(lines)-1 && fields[17] != total {
				t.Errorf("%v: the last row has %s requests in all, want %s", test.end, fields[17], total)
			}
		}
	}
}

// TestAMedianIsOneFigure: what stands in two columns is rounded in one way.
func TestAMedianIsOneFigure(t *testing.T) {
	for _, took := range []time.Duration{400 * time.Microsecond, 500 * time.Microsecond, 501 * time.Microsecond, 1500 * time.Microsecond, 2 * time.Millisecond} {
		l := stats.NewLedger(0, 0)
		var b stats.Batch
		b.Row(stats.Key{Method: "GET", Name: "/"}).OK.AddN(took, 3)
		l.Fold(&b, 900*time.Millisecond, stats.Users{})
		r := &Run{Snapshot: l.Snapshot()}
		for _, file := range []struct {
			write        func(io.Writer, *Run) error
			median, half string
		}{{CSVStats, "Median Response Time", "50%"}, {CSVHistory, "Total Median Response Time", "50%"}} {
			var out bytes.Buffer
			if err := file.write(&out, r); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&out).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows[1:] {
				if m, h := row[slices.Index(rows[0], file.median)], row[slices.Index(rows[0], file.half)]; m != h {
					t.Errorf("%v: a median of %s, and %s as 50%%", took, m, h)
				}
			}
		}
	}
}

// TestCSVIsClean: what a target sent cannot act on the terminal that a file is
// printed on.
func TestCSVIsClean(t *testing.T) {
	r := &Run{Snapshot: &stats.Snapshot{Groups: []*stats.Group{{
		Key: stats.GroupKey{Kind: stats.HTTP, Key: stats.Key{Method: "GET", Name: "/a\x1b[2J"}}, Message: "bad \u202e\u009b31m", Count: 1,
	}}}}
	var b strings.Builder
	if err := CSVFailures(&b, r); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "GET,/a␛[2J,bad ‹U+202E›‹U+009B›31m,1,"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}
