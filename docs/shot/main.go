// Command shot makes the README's picture: it runs the demo in a tmux, lets it
// work for a while, presses keys, and draws the screen as an SVG.
//
//	go build -o /tmp/tload .
//	go run ./docs/shot -keys j -o docs/dashboard.svg /tmp/tload demo -u 60 --theme night
//	go run ./docs/shot -keys 3,h,h -o docs/charts.svg /tmp/tload demo -u 60 --theme night
package main

import (
	"flag"
	"fmt"
	"html"
	"log"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

func main() {
	cols := flag.Int("cols", 120, "columns of the terminal")
	rows := flag.Int("rows", 36, "rows of the terminal")
	after := flag.Duration("after", 45*time.Second, "how long the program works before the keys are pressed")
	keys := flag.String("keys", "", "keys to press, as tmux names them, with commas between")
	light := flag.Bool("light", false, "a terminal with a light background")
	out := flag.String("o", "docs/dashboard.svg", "file to write")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("shot: a command to run is expected")
	}
	if *light {
		ground, foreground = "#fafafa", "#24292f"
	}
	screen, err := capture(*cols, *rows, *after, *keys, flag.Args())
	if err != nil {
		log.Fatal("shot: ", err)
	}
	if err := os.WriteFile(*out, draw(screen, *cols), 0o644); err != nil {
		log.Fatal("shot: ", err)
	}
}

// capture runs a command in a tmux of its own and returns its screen with its
// colours.
func capture(cols, rows int, after time.Duration, keys string, command []string) (string, error) {
	socket := fmt.Sprintf("shot-%d", os.Getpid())
	tmux := func(args ...string) (string, error) {
		b, err := exec.Command("tmux", append([]string{"-L", socket}, args...)...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("tmux %s: %w: %s", args[0], err, b)
		}
		return string(b), err
	}
	if _, err := tmux(append([]string{"new-session", "-d", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows)}, command...)...); err != nil {
		return "", err
	}
	defer tmux("kill-server")
	time.Sleep(after)
	for _, k := range strings.Split(keys, ",") {
		if k == "" {
			continue
		}
		if _, err := tmux("send-keys", k); err != nil {
			return "", err
		}
		time.Sleep(time.Second)
	}
	return tmux("capture-pane", "-p", "-e")
}

// style is what a cell looks like.
type style struct {
	fg, bg                         int // index of the palette, -1 for the default
	bold, dim, underline, reversed bool
}

var palette = [16]string{
	"#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d0d4dc",
	"#7f8794", "#ff7b86", "#b5e08c", "#ffd98f", "#82c4ff", "#dc9cf0", "#7fd5e0", "#ffffff",
}

// color is one of the 256: the palette, a cube of six by six by six, and greys.
func color(n int) string {
	level := func(i int) int {
		if i == 0 {
			return 0
		}
		return 55 + 40*i
	}
	switch {
	case n < 16:
		return palette[n]
	case n < 232:
		n -= 16
		return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
	}
	return fmt.Sprintf("#%02[1]x%02[1]x%02[1]x", 8+10*(n-232))
}

var ground, foreground = "#16181d", "#c8ccd4"

const (
	cellWidth  = 8.4
	cellHeight = 17.0
	margin     = 14.0
)

// draw makes an SVG of a screen with SGR sequences in it.
func draw(screen string, cols int) []byte {
	lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
	width, height := float64(cols)*cellWidth+2*margin, float64(len(lines))*cellHeight+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", ground)
	fmt.Fprintf(&b, `<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14" xml:space="preserve">`+"\n")
	s := style{fg: -1, bg: -1}
	for row, line := range lines {
		col := 0
		for line != "" {
			if rest, ok := strings.CutPrefix(line, "\x1b["); ok {
				end := strings.IndexFunc(rest, func(c rune) bool { return c >= '@' })
				if end < 0 {
					break
				}
				if rest[end] == 'm' {
					s.apply(rest[:end])
				}
				line = rest[end+1:]
				continue
			}
			end := strings.IndexByte(line, 0x1b)
			if end < 0 {
				end = len(line)
			}
			col += s.text(&b, line[:end], col, row)
			line = line[end:]
		}
	}
	b.WriteString("</g></svg>\n")
	return []byte(b.String())
}

// text draws a run of cells of one style and says how many they are. Blanks at
// its ends are left out, so that they need no glyph.
func (s style) text(b *strings.Builder, text string, col, row int) int {
	n := len([]rune(text))
	fg, bg := foreground, ""
	if s.fg >= 0 {
		fg = color(s.fg)
	}
	if s.bg >= 0 {
		bg = color(s.bg)
	}
	if s.reversed {
		if bg == "" {
			bg = ground
		}
		fg, bg = bg, fg
	}
	x, y := margin+float64(col)*cellWidth, margin+float64(row)*cellHeight
	if bg != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, float64(n)*cellWidth, cellHeight, bg)
	}
	if strings.TrimSpace(text) != "" {
		more := ""
		if s.bold {
			more += ` font-weight="bold"`
		}
		if s.dim {
			more += ` opacity="0.6"`
		}
		if s.underline {
			more += ` text-decoration="underline"`
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
			x, y+cellHeight*0.76, float64(n)*cellWidth, fg, more, html.EscapeString(strings.ReplaceAll(text, " ", "\u00a0")))
	}
	return n
}

// apply reads one SGR sequence.
func (s *style) apply(codes string) {
	list := strings.FieldsFunc(codes, func(r rune) bool { return r == ';' || r == ':' })
	if len(list) == 0 {
		list = []string{"0"}
	}
	for i := 0; i < len(list); i++ {
		n, _ := strconv.Atoi(list[i])
		switch {
		case n == 0:
			*s = style{fg: -1, bg: -1}
		case n == 1:
			s.bold = true
		case n == 2:
			s.dim = true
		case n == 4:
			s.underline = true
		case n == 7:
			s.reversed = true
		case n == 22:
			s.bold, s.dim = false, false
		case n == 24:
			s.underline = false
		case n == 27:
			s.reversed = false
		case n >= 30 && n <= 37:
			s.fg = n - 30
		case n == 39:
			s.fg = -1
		case n >= 40 && n <= 47:
			s.bg = n - 40
		case n == 49:
			s.bg = -1
		case n >= 90 && n <= 97:
			s.fg = n - 90 + 8
		case n >= 100 && n <= 107:
			s.bg = n - 100 + 8
		case (n == 38 || n == 48) && i+2 < len(list):
			c, _ := strconv.Atoi(list[i+2])
			i += 2
			if n == 38 {
				s.fg = c
			} else {
				s.bg = c
			}
		}
	}
}
