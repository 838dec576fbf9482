package stats

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"", ""},
		{"a\x1b[31mred", "a␛[31mred"},
		{"\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"},
		{"one\r\ntwo", "one␍␊two"},
		{"\tx\ty", "    x   y"},
		{"nul\x00del\x7f", "nul␀del␡"},
		{"c1\u009bcsi", "c1‹U+009B›csi"},
		{"bad\xff\xfe", `bad\xff\xfe`},
		{"cut\xe2\x82", `cut\xe2\x82`},
		{"left\u202eright", "left‹U+202E›right"},
		{"z\u200bw\u200d", "z‹U+200B›w‹U+200D›"},
		{"nb\u00a0sp", "nb sp"},
		{"line\u2028sep", "line‹U+2028›sep"},
		{"\u0301lone", "‹U+0301›lone"},
		{"e\u0301 fine", "e\u0301 fine"},
		{"h\u0300\u0301\u0302\u0303", "h\u0300\u0301‹U+0302›‹U+0303›"},
		{"vs\ufe0f", "vs‹U+FE0F›"},
		{"hangul\u3164", "hangul‹U+3164›"},
		{"日本語 é ß", "日本語 é ß"},
	} {
		if got := Clean(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff\t\u0301")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q became invalid: %q", s, got)
		}
		for _, r := range got {
			if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029 {
				t.Fatalf("%q kept %U", s, r)
			}
		}
		if Clean(got) != got && !strings.ContainsFunc(got, func(r rune) bool { return unicode.Is(unicode.M, r) }) {
			t.Fatalf("%q is not stable: %q", s, got)
		}
	})
}

func TestCleanLines(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"one\n\ttwo\n", "one\n    two\n"},
		{"one\r\n\x1b[2J", "one\n␛[2J"},
	} {
		if got := CleanLines(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

// TestWriteJSON: what is read again is what was written, and none of it can act
// on a terminal.
func TestWriteJSON(t *testing.T) {
	want := map[string]string{"a\x1b": "\u009b31m\x7f\u202e <é 日本> \n\t\U000e0001", "plain": "x"}
	var b strings.Builder
	if err := WriteJSON(&b, want); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%q has %U", b.String(), r)
		}
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%q: got %q, want %q", k, got[k], v)
		}
	}
	if !strings.Contains(b.String(), "<é 日本>") {
		t.Errorf("%s has no readable text", b.String())
	}
}
