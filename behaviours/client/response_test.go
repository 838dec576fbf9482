package client

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"tload/behaviours/http1"
)

// coded applies one content coding.
func coded(t *testing.T, coding string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "bare deflate":
		w, _ = flate.NewWriter(&out, 5)
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		w, _ = zstd.NewWriter(&out)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return out.Bytes()
}

func reply(encoding string, body []byte) *Response {
	return &Response{limit: 1 << 20, reply: http1.Reply{Encoded: encoding != "", Body: body,
		Head: []byte("HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + "\r\n\r\n")}}
}

func TestBodyIsDecoded(t *testing.T) {
	text := []byte(strings.Repeat("the text ", 1000))
	tests := []struct {
		encoding string
		body     []byte
	}{
		{"", text},
		{"identity", text},
		{"gzip", coded(t, "gzip", text)},
		{"X-GZIP", coded(t, "gzip", text)},
		{"deflate", coded(t, "deflate", text)},
		{"deflate", coded(t, "bare deflate", text)},
		{"br", coded(t, "br", text)},
		{"zstd", coded(t, "zstd", text)},
		{"br, gzip", coded(t, "gzip", coded(t, "br", text))},
	}
	for _, tt := range tests {
		r := reply(tt.encoding, tt.body)
		for range 2 { // the second look is at what the first has left
			if got, err := r.Decode(); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s: got %d bytes and %v, want %d", tt.encoding, len(got), err, len(text))
			}
		}
		if !bytes.Equal(r.Raw(), tt.body) {
			t.Errorf("%s: Raw is not what came", tt.encoding)
		}
	}
}

func TestBodyThatCannotBeDecoded(t *testing.T) {
	bomb := coded(t, "gzip", make([]byte, 2<<20))
	for encoding, body := range map[string][]byte{
		"gzip": []byte("this is no gzip"), "br": []byte("nor brotli"), "zstd": []byte("nor this"),
		"compress": []byte("unknown"), "x-gzip": bomb, "gzip ": coded(t, "gzip", []byte("cut off"))[:12],
	} {
		r := reply(encoding, body)
		if _, err := r.Decode(); err == nil || !strings.HasPrefix(err.Error(), "cannot decode the body: ") {
			t.Errorf("%s: got %v, want an error", encoding, err)
		}
		if !bytes.Equal(r.Body(), body) {
			t.Errorf("%s: Body is not what came", encoding)
		}
	}
}

func TestJSONPath(t *testing.T) {
	const doc = `{"a": {"b": [1, 2.50, {"c d": "x"}]}, "s": "text", "n": null, "t": true, "big": 12345678901234567890, "": 5}`
	tests := []struct{ path, want, err string }{
		{"$.s", "text", ""},
		{"s", "text", ""},
		{"$.a.b[0]", "1", ""},
		{"$.a.b[1]", "2.50", ""},
		{"$.a.b[-1]['c d']", "x", ""},
		{`$["a"].b[2]["c d"]`, "x", ""},
		{"$.a.b", `[1,2.50,{"c d":"x"}]`, ""},
		{"$.n", "null", ""},
		{"$.t", "true", ""},
		{"$.big", "12345678901234567890", ""},
		{"$['']", "5", ""},
		{"$.x", "", `nothing at $.x: no member "x" in $`},
		{"$.a.b[3]", "", "nothing at $.a.b[3]: no element 3 in $.a.b"},
		{"$.s[0]", "", "no element 0 in $.s"},
		{"$.s.t", "", `no member "t" in $.s`},
		{"$..x", "", "bad JSON path"},
		{"$.a[", "", "bad JSON path"},
		{"$.a[x]", "", "bad JSON path"},
		{"$x", "", "bad JSON path"},
	}
	r := reply("", []byte(doc))
	for _, tt := range tests {
		got, err := r.JSONPath(tt.path)
		switch {
		case tt.err == "" && (err != nil || got != tt.want):
			t.Errorf("%s: got %q and %v, want %q", tt.path, got, err, tt.want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: got %q and %v, want %q", tt.path, got, err, tt.err)
		}
	}
	whole, err := reply("", []byte("[1]")).JSONPath("$")
	if err != nil || whole != "[1]" {
		t.Errorf("$: got %q and %v", whole, err)
	}
	if _, err := reply("", []byte("<html>")).JSONPath("$.a"); err == nil || !strings.Contains(err.Error(), "not JSON") {
		t.Errorf("got %v", err)
	}
}

func TestExpectManyStatuses(t *testing.T) {
	all := []int{200, 201, 202, 203, 204, 205, 404, 418}
	o := Expect(all...)
	for status := range 600 {
		if got, want := o.expects(status), slices.Contains(all, status); got != want {
			t.Errorf("%d: got %v, want %v", status, got, want)
		}
	}
}

func TestCloneOutlivesTheNextRequest(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		fmt.Fprint(w, r.URL.Path)
	}))
	defer srv.Close()
	c, _ := newClient(t, Options{Host: srv.URL})
	first, err := c.Get(t.Context(), "/first")
	if err != nil {
		t.Fatal(err)
	}
	kept := first.Clone()
	if _, err := c.Get(t.Context(), "/other"); err != nil {
		t.Fatal(err)
	}
	c.release()
	if kept.Text() != "/first" || kept.Header("X-Path") != "/first" || kept.Status != 200 {
		t.Errorf("got %d %q %q", kept.Status, kept.Text(), kept.Header("X-Path"))
	}
}
