package tui

import (
	"strings"
	"testing"

	"tload/stats"
	"tload/stats/exchange"
	"tload/swarm"
)

// TestNoScreenShowsASecret goes through the screens with an exchange that has a
// secret in every place, each of which the target repeats.
func TestNoScreenShowsASecret(t *testing.T) {
	places := []string{"header77", "cookie77", "query77", "/path77", "user77", "json77", "form77", "mine77"}
	said := `{"error":"bad ` + strings.Join(places, " ") + `"}`
	x := cartExchange(0)
	x.URL = "https://me:user77@shop.example.test/token/path77?api_key=query77#access_token=query77"
	x.Message = "503 said " + strings.Join(places, " ")
	x.Request.Head = []byte("POST /token/path77?api_key=query77 HTTP/1.1\r\nHost: shop.example.test\r\nAuthorization: Basic bWU6dXNlcjc3\r\nX-Api-Key: header77\r\nX-Mine: mine77\r\nCookie: a=cookie77\r\nContent-Type: application/json\r\n\r\n")
	x.Request.Body = []byte(`{"pass\u0077ord":"json77","next":"/x?password=form77"}`)
	x.Response = stats.Part{Head: []byte("HTTP/1.1 503 No header77\r\nX-Said: mine77\r\nContent-Type: application/json\r\n\r\n"), Body: []byte(said), Size: int64(len(said)), Expected: -1}
	x.Hops = []stats.Hop{{URL: "https://h/?token=query77", Location: "/token/path77", Status: 302}}
	for _, size := range [][2]int{{80, 24}, {160, 45}} {
		p := sit(t, size[0], size[1], Options{Masker: exchange.NewMasker("x_mine")})
		p.load.set(func(s *swarm.Snapshot) {
			g := *s.Groups[0]
			g.Samples = []*stats.Exchange{x}
			s.Groups = append([]*stats.Group{&g}, s.Groups[1:]...)
			s.Recent = []*stats.Exchange{x}
			s.Success = map[stats.Key]*stats.Exchange{x.Key: x}
		})
		p.m.secrets.Learn(x) // as whoever captures it does
		p.m.attach(p.load)
		look := func(keys string) {
			t.Helper()
			p.press(keys)
			for _, place := range places {
				if s := p.sees(); strings.Contains(s, strings.Trim(place, "/")) {
					t.Fatalf("%v, %s: %s in\n%s", size, keys, place, s)
				}
			}
			for _, place := range places {
				if strings.Contains(p.clip, strings.Trim(place, "/")) {
					t.Fatalf("%v, %s: %s is in the clipboard: %s", size, keys, place, p.clip)
				}
			}
		}
		for _, keys := range strings.Fields("1 2 3 5 6 7 4") {
			look(keys)
		}
		for _, keys := range strings.Fields("enter enter y Y tab y tab tab tab tab p p h h c") {
			look(keys)
		}
		p.press("R shift+tab shift+tab shift+tab shift+tab") // on Request, from Compare
		p.want("json77")
	}
	if p := sit(t, 100, 30, Options{Masker: exchange.NewMasker().Off()}); !p.m.reveal {
		t.Error("what is not masked in files is masked on the screen, though R shows it")
	}
}
