package client

import "testing"

func TestWhatABodySays(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"error":"pool exhausted","pool":"pg-main"}`, "pool exhausted"},
		{`{"error":{"code":7,"message":"no such item"}}`, "no such item"},
		{`{"error": 7, "detail" : "gone \"away\""}`, `gone \"away\"`},
		{`[{"message":"first"},{"message":"second"}]`, "first"},
		{`{"error":"cut in the mid`, "cut in the mid"},
		{"upstream timeout\n", "upstream timeout"},
		{"<html><body>502</body></html>", ""},
		{"", ""},
		{"\x89PNG\r\n", ""},
		{`{"error":`, ""},
		{`{"error"`, ""},
	} {
		if got := string(said([]byte(c.body))); got != c.want {
			t.Errorf("%q: got %q, want %q", c.body, got, c.want)
		}
	}
}
