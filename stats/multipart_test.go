package stats

import (
	"strings"
	"testing"
)

func TestSecretsOfAMultipartFormAreMasked(t *testing.T) {
	body := "--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nada\r\n--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--b--\r\n"
	got := string(NewRedactor().Body("multipart/form-data; boundary=b", []byte(body)))
	if want := strings.Replace(body, "hunter2", Masked, 1); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
