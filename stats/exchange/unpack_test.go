package exchange

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tload/stats"
)

func TestSecretsInPackedBodies(t *testing.T) {
	text := `{"user":"ann","password":"hunter2","note":"` + strings.Repeat("n", 500) + `"}`
	for _, coding := range []string{"gzip", "deflate", "br", "zstd", "GZIP", "deflate, gzip", "gzip, identity, br"} {
		var made []Unpacked
		for _, name := range codingNames(coding) {
			made = append([]Unpacked{{Coding: name, After: 1}}, made...)
		}
		packed := pack([]byte(text), made)
		p := stats.Part{Head: []byte("HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Encoding: " + coding + "\r\n\r\n"), Body: packed, Size: int64(len(packed))}
		got := NewMasker().Part(p)
		plain, undone := Unpack(coding, got.Body, 1<<20)
		if want := strings.Replace(text, `"hunter2"`, `"`+Masked+`"`, 1); string(plain) != want || got.Cut() || got.Size != int64(len(got.Body)) {
			t.Errorf("%s: got %q, %+v", coding, plain, undone)
		}
		if string(p.Body) != string(packed) {
			t.Errorf("%s: the original was changed", coding)
		}
		// As much of it as was kept is masked, too, and stays cut.
		p.Body = packed[:len(packed)-6]
		got = NewMasker().Part(p)
		plain, _ = Unpack(coding, got.Body, 1<<20)
		if strings.Contains(string(plain), "hunter2") || !got.Cut() {
			t.Errorf("%s, cut: got %q, cut %v", coding, plain, got.Cut())
		}
		// What holds no secret stays byte for byte.
		p.Body = pack([]byte(`{"user":"ann"}`), made)
		if got := NewMasker().Part(p); !bytes.Equal(got.Body, p.Body) {
			t.Errorf("%s: packed anew without need", coding)
		}
	}
	p := stats.Part{Head: []byte("Content-Encoding: gzip\r\n\r\n"), Body: []byte(text)}
	if got := NewMasker().Part(p); strings.Contains(string(got.Body), "hunter2") {
		t.Errorf("not packed, though it says so: got %q", got.Body)
	}
}

func TestUnpackKnowsItsLimits(t *testing.T) {
	bomb := pack(make([]byte, 1<<20), []Unpacked{{Coding: "gzip", After: 1}})
	out, undone := Unpack("gzip", bomb, 1000)
	if len(out) != 1000 || !errors.Is(undone[0].Err, ErrUnpacksTooLong) {
		t.Errorf("got %d bytes, %+v", len(out), undone)
	}
	if out, undone = Unpack("rot13", []byte("x"), 1000); string(out) != "x" || undone[0].Err == nil {
		t.Errorf("got %q, %+v", out, undone)
	}
	body := []byte("x")
	many := strings.Repeat("gzip,", 9)
	for range 9 {
		body = pack(body, []Unpacked{{Coding: "gzip", After: 1}})
	}
	if _, undone = Unpack(many, body, 1000); len(undone) != maxCodings+1 || undone[maxCodings].Err == nil {
		t.Errorf("got %+v", undone)
	}
}

func FuzzUnpack(f *testing.F) {
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		f.Add(coding, pack([]byte(`{"password":"hunter2"}`), []Unpacked{{Coding: coding, After: 1}}))
	}
	f.Fuzz(func(t *testing.T, coding string, body []byte) {
		out, _ := Unpack(coding, body, 1<<16)
		if len(out) > max(1<<16, len(body)) {
			t.Errorf("%d bytes of %d", len(out), len(body))
		}
		p := stats.Part{Head: []byte("Content-Encoding: " + strings.NewReplacer("\r", "", "\n", "").Replace(coding) + "\r\n\r\n"), Body: body}
		NewMasker().Part(p)
	})
}
