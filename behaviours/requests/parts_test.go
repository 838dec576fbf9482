package requests_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tload/behaviours/requests"
)

// TestFilesWithinPartsAreSent as their bytes, or with @ as their text with variables replaced,
// and the lines of such a body end as its format wants it.
func TestFilesWithinPartsAreSent(t *testing.T) {
	w := newWire(t)
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "a.bin"), []byte("\x00\xff{{who}}\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "b.txt"), []byte("for {{who}}"), 0o600)
	const text = `@who = me
POST /upload
Content-Type: multipart/form-data; boundary=zz

--zz
Content-Disposition: form-data; name="f"; filename="a.bin"

< ./a.bin
--zz
Content-Disposition: form-data; name="g"

<@ ./b.txt
--zz
Content-Disposition: form-data; name="h"

plain {{who}}
--zz--

###
GET /next
`
	path := filepath.Join(dir, "x.http")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := requests.File(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	runUsers(t, w.URL, b, 1, 20)
	const want = `"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n\x00\xff{{who}}\n\r\n` +
		`--B\r\nContent-Disposition: form-data; name=\"g\"\r\n\r\nfor me\r\n--B\r\nContent-Disposition: form-data; name=\"h\"\r\n\r\nplain me\r\n--B--\r\n"`
	if all := strings.Join(w.take(), "\n"); !strings.Contains(all, want) {
		t.Errorf("got %s\nwant %s", all, want)
	}
	_, err = requests.Text("x.http", strings.Replace(text, "a.bin\n--", "nowhere\n--", 1), nil)
	if err == nil || !strings.Contains(err.Error(), "x.http:8:1") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestANameAndAPasswordAreEncoded as editors do it; what is encoded already is left.
func TestANameAndAPasswordAreEncoded(t *testing.T) {
	w := newWire(t)
	for _, c := range []struct{ value, want string }{
		{"Basic ann secret", "Basic YW5uOnNlY3JldA=="},
		{"Basic ann:secret", "Basic YW5uOnNlY3JldA=="},
		{"basic ann:sec ret", "Basic YW5uOnNlYyByZXQ="},
		{"Basic {{user}} {{password}}", "Basic YW5uOnNlY3JldA=="},
		{"Basic {{user}}:{{password}}", "Basic YW5uOnNlY3JldA=="},
		{"Basic YW5uOnNlY3JldA==", "Basic YW5uOnNlY3JldA=="},
		{"Basic {{token}}", "Basic dG9rZW4="},
		{"Bearer a:b", "Bearer a:b"},
	} {
		text := "@user = ann\n@password = secret\n@token = dG9rZW4=\nGET /\nAuthorization: " + c.value + "\n"
		b, err := requests.Text("x.http", text, nil)
		if err != nil {
			t.Errorf("%s: %v", c.value, err)
			continue
		}
		runUsers(t, w.URL, b, 1, 1)
		if all := strings.Join(w.take(), "\n"); !strings.Contains(all, `"Authorization":["`+c.want+`"]`) {
			t.Errorf("%s: got %s, want %s", c.value, all, c.want)
		}
	}
	if _, err := requests.Text("x.http", "GET /\nAuthorization: Digest ann secret\n", nil); err == nil || !strings.Contains(err.Error(), "Digest is not understood") {
		t.Errorf("Digest: %v", err)
	}
}
