package exchange

import (
	"strings"
	"testing"
)

func TestSecretsOfAMultipartFormAreMasked(t *testing.T) {
	body := "--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nada\r\n--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--b--\r\n"
	got := string(NewMasker().Body("multipart/form-data; boundary=b", []byte(body)))
	if want := strings.Replace(body, "hunter2", Masked, 1); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamesOfSecrets(t *testing.T) {
	r := NewMasker("Shop_Key", "")
	for name, want := range map[string]bool{
		"X-Access-Token": true, "access_token": true, "accessToken": true, "api.key": true, " Authorization": true, "SHOP-KEY": true,
		"X-Amz-Signature": true, "PRIVATE-TOKEN": true, "X-Goog-Api-Key": true, "next_page_token": false,
		"": false, "tokens": false, "key": false, "a name that is longer than any header or field that a person would write down": false,
	} {
		if got := r.Secret(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { r.Secret("X-Access-Token") }); n > 0 {
		t.Errorf("a look allocates %v times", n)
	}
}
