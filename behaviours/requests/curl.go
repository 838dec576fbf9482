package requests

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
)

// FromCurl turns curl commands, as browsers and documentation have them, into
// the text of a .http file. A flag that would change what is sent and is not
// understood is an error that names it; path is for the complaints.
func FromCurl(path, text string) (string, error) {
	commands, err := shellWords(path, text)
	if err != nil {
		return "", err
	}
	var list []imported
	for _, words := range commands {
		r, err := fromCurl(words)
		if err != nil {
			return "", err
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		return "", place{path, 1, 1}.errorf("no curl command in it: one such as curl 'http://localhost:5000/' is expected")
	}
	return write(list)
}

// curlFlags says of each flag that is known whether it takes a value.
var curlFlags = map[string]bool{
	"-X": true, "--request": true, "-H": true, "--header": true, "-d": true, "--data": true, "--data-raw": true,
	"--data-binary": true, "--data-ascii": true, "--data-urlencode": true, "--json": true, "-u": true, "--user": true,
	"-b": true, "--cookie": true, "-A": true, "--user-agent": true, "-e": true, "--referer": true, "--url": true,
	"-o": true, "--output": true, "-m": true, "--max-time": true, "--connect-timeout": true, "-w": true, "--write-out": true,
	"--retry": true, "-G": false, "--get": false, "-I": false, "--head": false, "-k": false, "--insecure": false,
	"-L": false, "--location": false, "--compressed": false, "-s": false, "--silent": false, "-S": false, "--show-error": false,
	"-v": false, "--verbose": false, "-i": false, "--include": false, "-f": false, "--fail": false, "-g": false, "--globoff": false,
	"--http1.1": false, "--http2": false, "-#": false, "--progress-bar": false, "-N": false, "--no-buffer": false,
}

func fromCurl(words []word) (r imported, err error) {
	r.at = words[0].at
	var data []string
	get, basic := false, ""
	for i := 1; i < len(words); i++ {
		at, w, value := words[i].at, words[i].text, ""
		if !strings.HasPrefix(w, "-") || w == "-" {
			r.url = w
			continue
		}
		if name, v, ok := strings.Cut(w, "="); ok && strings.HasPrefix(w, "--") {
			if _, known := curlFlags[name]; known {
				w, value = name, v
			}
		} else if !strings.HasPrefix(w, "--") && len(w) > 2 {
			if takes, known := curlFlags[w[:2]]; known && takes {
				w, value = w[:2], w[2:]
			} else { // several flags without values: -sSL
				for _, c := range w[1:] {
					takes, known := curlFlags["-"+string(c)]
					if !known || takes {
						return r, at.errorf("curl flag %s is not understood", w)
					}
					get = get || c == 'G'
					if c == 'I' {
						r.method = "HEAD"
					}
				}
				continue
			}
		}
		takes, known := curlFlags[w]
		if !known {
			return r, at.errorf("curl flag %s is not understood", w)
		}
		if takes && value == "" {
			if i++; i == len(words) {
				return r, at.errorf("curl flag %s has no value", w)
			}
			value = words[i].text
		}
		switch w {
		case "-X", "--request":
			r.method = value
		case "-H", "--header":
			name, v, _ := strings.Cut(value, ":")
			r.headers = append(r.headers, [2]string{strings.TrimSpace(name), strings.TrimSpace(v)})
		case "-d", "--data", "--data-ascii", "--data-binary", "--data-raw":
			if strings.HasPrefix(value, "@") && w != "--data-raw" {
				return r, at.errorf("curl flag %s %s: a file as the body: write < ./%s as the body yourself", w, value, value[1:])
			}
			data = append(data, value)
		case "--data-urlencode":
			if name, v, ok := strings.Cut(value, "="); ok {
				value = name + "=" + url.QueryEscape(v)
			} else {
				value = url.QueryEscape(value)
			}
			data = append(data, value)
		case "--json":
			data = append(data, value)
			r.headers = append(r.headers, [2]string{"Content-Type", "application/json"}, [2]string{"Accept", "application/json"})
		case "-u", "--user":
			basic = value
		case "-b", "--cookie":
			r.headers = append(r.headers, [2]string{"Cookie", value})
		case "-A", "--user-agent":
			r.headers = append(r.headers, [2]string{"User-Agent", value})
		case "-e", "--referer":
			r.headers = append(r.headers, [2]string{"Referer", value})
		case "--url":
			r.url = value
		case "-G", "--get":
			get = true
		case "-I", "--head":
			r.method = "HEAD"
		case "-k", "--insecure":
			r.notes = append(r.notes, "run with --insecure")
		case "--http2":
			r.notes = append(r.notes, "run with --http2")
		}
	}
	if r.url == "" {
		return r, r.at.errorf("a curl command without a URL")
	}
	if basic != "" {
		r.headers = append(r.headers, [2]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(basic))})
	}
	r.body = strings.Join(data, "&")
	switch {
	case get && r.body != "":
		sep := "?"
		if strings.Contains(r.url, "?") {
			sep = "&"
		}
		r.url, r.body = r.url+sep+r.body, ""
	case r.body != "" && r.header("Content-Type") == "":
		r.headers = append(r.headers, [2]string{"Content-Type", "application/x-www-form-urlencoded"})
	}
	if r.method == "" {
		r.method = "GET"
		if r.body != "" {
			r.method = "POST"
		}
	}
	return r, nil
}

// word is one argument of a command.
type word struct {
	text string
	at   place
}

// shellWords splits a text into commands of words as a shell does, as far as
// copied curl commands go: quotes, $'…', backslashes, broken lines.
func shellWords(path, text string) (commands [][]word, err error) {
	var words []word
	var b strings.Builder // the word in hand
	in, start := false, 0
	begin := func(i int) {
		if !in {
			in, start = true, i
		}
	}
	here := places(path, text)
	end := func() {
		if in {
			words = append(words, word{b.String(), here(start)})
			b.Reset()
			in = false
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			from := i
			i++
			if text[i] == '\r' && i+1 < len(text) {
				i++
			}
			if text[i] != '\n' {
				begin(from)
				b.WriteByte(text[i])
			}
		case c == '\'' || c == '$' && i+1 < len(text) && text[i+1] == '\'':
			from, ansi := i, c == '$'
			begin(from)
			if ansi {
				i++
			}
			for i++; i < len(text) && text[i] != '\''; i++ {
				if ansi && text[i] == '\\' && i+1 < len(text) {
					i += escape(&b, text[i+1:])
					continue
				}
				b.WriteByte(text[i])
			}
			if i >= len(text) {
				return nil, here(from).errorf("a ' without its end")
			}
		case c == '"':
			from := i
			begin(from)
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' && i+1 < len(text) && strings.IndexByte("\"\\$`\n", text[i+1]) >= 0 {
					i++
				}
				b.WriteByte(text[i])
			}
			if i >= len(text) {
				return nil, here(from).errorf("a \" without its end")
			}
		case c == '\n' || c == ';':
			end()
			if len(words) > 0 {
				commands = append(commands, words)
				words = nil
			}
		case c == ' ' || c == '\t' || c == '\r':
			end()
		case c == '#' && !in:
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		default:
			begin(i)
			b.WriteByte(c)
		}
	}
	end()
	if len(words) > 0 {
		commands = append(commands, words)
	}
	for _, c := range commands {
		if c[0].text != "curl" {
			return nil, c[0].at.errorf("%q is no curl command", shorten(c[0].text))
		}
	}
	return commands, nil
}

// escape writes what stands behind a backslash in $'…' and says how long it is.
func escape(w *strings.Builder, s string) int {
	switch s[0] {
	case 'n':
		w.WriteByte('\n')
	case 'r':
		w.WriteByte('\r')
	case 't':
		w.WriteByte('\t')
	case 'u', 'x':
		digits := map[byte]int{'u': 4, 'x': 2}[s[0]]
		if len(s) > digits {
			var v int
			if n, err := fmt.Sscanf(s[1:1+digits], "%x", &v); n == 1 && err == nil {
				if s[0] == 'x' {
					w.WriteByte(byte(v))
				} else {
					w.WriteRune(rune(v))
				}
				return digits + 1
			}
		}
		w.WriteByte(s[0])
	default:
		w.WriteByte(s[0])
	}
	return 1
}
