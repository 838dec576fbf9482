package cli

import (
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"tload/behaviours"
)

// TestClientFlags holds that each flag of the HTTP client comes to the client.
func TestClientFlags(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want func(o *behaviours.Options)
	}{
		{nil, func(o *behaviours.Options) {}},
		{[]string{"--timeout=1m"}, func(o *behaviours.Options) { o.Timeout = time.Minute }},
		{[]string{"--timeout=0"}, func(o *behaviours.Options) { o.Timeout = -1 }},
		{[]string{"--connect-timeout=2"}, func(o *behaviours.Options) { o.ConnectTimeout = 2 * time.Second }},
		{[]string{"--insecure"}, func(o *behaviours.Options) { o.Insecure = true }},
		{[]string{"--http2"}, func(o *behaviours.Options) { o.HTTP2 = true }},
		{[]string{"--http3"}, func(o *behaviours.Options) { o.HTTP3 = true }},
		{[]string{"--header=X-A: 1", "--header", "X-A:2, 3"}, func(o *behaviours.Options) {
			o.Header = []behaviours.Field{{Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2, 3"}}
		}},
		{[]string{"--proxy=localhost:3128"}, func(o *behaviours.Options) { o.Proxy = "localhost:3128" }},
		{[]string{"--resolve=a.test:127.0.0.2,b.test:443:[::1]:8443", "--resolve=c.test:::1"}, func(o *behaviours.Options) {
			o.Resolve = map[string]string{"a.test": "127.0.0.2", "b.test:443": "[::1]:8443", "c.test": "::1"}
		}},
		{[]string{"--no-follow"}, func(o *behaviours.Options) { o.NoFollow = true }},
		{[]string{"--no-keepalive"}, func(o *behaviours.Options) { o.NoKeepalive = true }},
		{[]string{"--bind=127.0.0.1,0.0.0.0"}, func(o *behaviours.Options) {
			o.Bind = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("0.0.0.0")}
		}},
		{[]string{"--cacert=a", "--cert=b", "--key=c"}, func(o *behaviours.Options) { o.CAFile, o.CertFile, o.KeyFile = "a", "b", "c" }},
		{[]string{"--capture-body=0"}, func(o *behaviours.Options) { o.CaptureBody = -1 }},
	} {
		s, err := (&program{env: os.Environ()}).parse(append(tt.args, "--host=http://x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.options()
		if err != nil {
			t.Fatal(err)
		}
		want := behaviours.Options{Host: "http://x", Timeout: 30 * time.Second, ConnectTimeout: 10 * time.Second, CaptureBody: 256 << 10, Masker: s.masker}
		tt.want(&want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", tt.args, got, want)
		}
	}
}

// TestMoreUsersThanFiles holds that the limit is named, and how many would do. A master
// has a connection for each worker, and none for users.
func TestMoreUsersThanFiles(t *testing.T) {
	limit := raiseFileLimit()
	if limit < 1000 || limit > 10_000_000 {
		t.Skip("no such limit here: ", limit)
	}
	most, workers := limit-fileSpare, limit-masterSpare
	for _, tt := range []struct {
		s    settings
		want string
	}{
		{settings{loading: loading{users: count(most)}}, ""},
		{settings{loading: loading{users: count(most + 1)}}, fmt.Sprintf("%d users need %d open files, and this process may have %d: run `ulimit -n %d` first, or ask for at most %d users",
			most+1, limit+1, limit, limit+1, most)},
		{settings{loading: loading{users: 10_000_000}, fleetSettings: fleetSettings{master: true, expectWorkers: count(workers)}}, ""},
		{settings{loading: loading{users: 1}, fleetSettings: fleetSettings{master: true, expectWorkers: count(workers + 1)}}, fmt.Sprintf(
			"%d workers need %d open files, and this process may have %d: run `ulimit -n %d` first, or ask for at most %d workers", workers+1, limit+1, limit, limit+1, workers)},
	} {
		err := tt.s.checkFiles()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want || codeOf(err) != exitMisuse) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// TestNumbersThatAreNone holds that no flag takes what is no number, or one
// that nothing can be done with, for any of its types.
func TestNumbersThatAreNone(t *testing.T) {
	s := &settings{}
	flags := s.define()
	numbers := 0
	flags.VisitAll(func(f *pflag.Flag) {
		switch f.Value.(type) {
		case *rate, *seconds, *size, *count:
		default:
			return
		}
		numbers++
		before := f.Value.String()
		for _, text := range []string{"nan", "NaN", "+nan", "-nan", "nan/s", "nank", "nans", "nanMiB", "inf", "+Inf", "-inf", "infinity", "Infk", "1e400", "-1", "-0.5s", "", " ", "1e", "0x", "--5", "∞"} {
			if err := f.Value.Set(text); err == nil {
				t.Errorf("--%s %q: taken as %s", f.Name, text, f.Value)
			}
		}
		if got := f.Value.String(); got != before {
			t.Errorf("--%s: a refused value changed it from %q to %q", f.Name, before, got)
		}
	})
	if numbers < 10 {
		t.Errorf("%d flags are numbers: the test no longer finds them", numbers)
	}
}
