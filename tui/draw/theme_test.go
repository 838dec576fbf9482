package draw

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// TestAThemeChangesLooksAndNothingElse holds every theme to the text, and to colours
// that are the terminal's sixteen, or of the 256.
func TestAThemeChangesLooksAndNothingElse(t *testing.T) {
	row := Fit("> "+Bad.Render("5.8")+" and "+Dim.Render("dim")+" "+ShadeOf(3*time.Second).Render("3 000"), 40)
	frame := strings.Join([]string{Barred(row), Tinted(row), row, Edge.Render("──") + Focus.Render("──")}, "\n")
	for _, name := range append(ThemeNames(), "", "no such") {
		got := ThemeOf(name).Paint(frame)
		if ansi.Strip(got) != ansi.Strip(frame) {
			t.Errorf("%s: got the text %q", name, ansi.Strip(got))
		}
		if strings.Contains(got, "\x1b["+barSlot+"m") || strings.Contains(got, "\x1b["+tintSlot+"m") {
			t.Errorf("%s: a slot is left: %q", name, got)
		}
		for _, l := range strings.Split(got, "\n") {
			if i := strings.LastIndex(l, "\x1b["); i >= 0 && !strings.HasPrefix(l[i:], "\x1b[m") {
				t.Errorf("%s: a line leaves a style on: %q", name, l)
			}
		}
	}
	if got, want := ThemeOf("terminal").Paint(Tinted(row)), "\x1b[7m"+ansi.Strip(row)+"\x1b[m"; got != want {
		t.Errorf("a selected row in sixteen colours: got %q, want %q", got, want)
	}
	if got := ThemeOf("night").Paint(Tinted(row)); strings.Count(got, "48;5;238") != strings.Count(got, "\x1b[m") {
		t.Errorf("the tint has holes: %q", got)
	}
}

// TestPaintTakesAnything, for a frame may hold what is no style.
func TestPaintTakesAnything(t *testing.T) {
	for _, s := range []string{"", "\x1b", "\x1b[", "a\x1b[31", "\x1b[;;m", "\x1b[38;5m", "\x1b[38;5;999999999999999999mx\x1b[m", "\x1b[48;2;1;2;3mx", "\x1b]0;t\am"} {
		for _, name := range ThemeNames() {
			ThemeOf(name).Paint(s)
		}
	}
}
