package requests

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// imported is a request from elsewhere on its way into a .http file.
type imported struct {
	method, url string
	headers     [][2]string
	body        string
	notes       []string
}

// FromCurl turns curl commands, as browsers and documentation have them, into
// the text of a .http file. A flag that would change what is sent and is not
// understood is an error that names it.
func FromCurl(text string) (string, error) {
	commands, err := shellWords(text)
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
		return "", fmt.Errorf("no curl command in it: one such as curl 'http://localhost:5000/' is expected")
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

func fromCurl(words []string) (r imported, err error) {
	var data []string
	get, basic := false, ""
	for i := 1; i < len(words); i++ {
		w, value := words[i], ""
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
						return r, fmt.Errorf("curl flag %s is not understood", w)
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
			return r, fmt.Errorf("curl flag %s is not understood", w)
		}
		if takes && value == "" {
			if i++; i == len(words) {
				return r, fmt.Errorf("curl flag %s has no value", w)
			}
			value = words[i]
		}
		switch w {
		case "-X", "--request":
			r.method = value
		case "-H", "--header":
			name, v, _ := strings.Cut(value, ":")
			r.headers = append(r.headers, [2]string{strings.TrimSpace(name), strings.TrimSpace(v)})
		case "-d", "--data", "--data-ascii", "--data-binary", "--data-raw":
			if strings.HasPrefix(value, "@") && w != "--data-raw" {
				return r, fmt.Errorf("curl flag %s %s: a file as the body: write < ./%s as the body yourself", w, value, value[1:])
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
		return r, fmt.Errorf("a curl command without a URL")
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

func (r *imported) header(name string) string {
	for _, h := range r.headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// shellWords splits a text into commands of words as a shell does, as far as
// copied curl commands go: quotes, $'…', backslashes, broken lines.
func shellWords(text string) (commands [][]string, err error) {
	var words []string
	var word strings.Builder
	in := false
	end := func() {
		if in {
			words = append(words, word.String())
			word.Reset()
			in = false
		}
	}
	line := 1
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == '\r' && i+1 < len(text) {
				i++
			}
			if text[i] != '\n' {
				word.WriteByte(text[i])
				in = true
			} else {
				line++
			}
		case c == '\'' || c == '$' && i+1 < len(text) && text[i+1] == '\'':
			ansi := c == '$'
			if ansi {
				i++
			}
			start := line
			in = true
			for i++; i < len(text) && text[i] != '\''; i++ {
				if text[i] == '\n' {
					line++
				}
				if ansi && text[i] == '\\' && i+1 < len(text) {
					i += escape(&word, text[i+1:])
					continue
				}
				word.WriteByte(text[i])
			}
			if i >= len(text) {
				return nil, fmt.Errorf("line %d: a ' without its end", start)
			}
		case c == '"':
			start := line
			in = true
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\n' {
					line++
				}
				if text[i] == '\\' && i+1 < len(text) && strings.IndexByte("\"\\$`\n", text[i+1]) >= 0 {
					i++
				}
				word.WriteByte(text[i])
			}
			if i >= len(text) {
				return nil, fmt.Errorf("line %d: a \" without its end", start)
			}
		case c == '\n' || c == ';':
			end()
			if len(words) > 0 {
				commands = append(commands, words)
				words = nil
			}
			if c == '\n' {
				line++
			}
		case c == ' ' || c == '\t' || c == '\r':
			end()
		case c == '#' && !in:
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		default:
			word.WriteByte(c)
			in = true
		}
	}
	end()
	if len(words) > 0 {
		commands = append(commands, words)
	}
	var curls [][]string
	for _, c := range commands {
		if c[0] != "curl" {
			return nil, fmt.Errorf("%q is no curl command", shorten(strings.Join(c, " ")))
		}
		curls = append(curls, c)
	}
	return curls, nil
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

// FromHAR turns a recording of a browser (HTTP archive) into the text of a
// .http file: the requests one after the other, as they were made. Cookies are
// left out: each user gets its own.
func FromHAR(text string) (string, error) {
	var har struct {
		Log struct {
			Entries []struct {
				Request struct {
					Method, URL string
					Headers     []struct{ Name, Value string }
					PostData    *struct {
						MimeType, Text string
						Encoding       string
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &har); err != nil {
		return "", fmt.Errorf("no HTTP archive: %w", err)
	}
	if len(har.Log.Entries) == 0 {
		return "", fmt.Errorf("no request in it: log.entries of an HTTP archive is expected")
	}
	var list []imported
	for i, e := range har.Log.Entries {
		q := e.Request
		u, err := url.Parse(q.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return "", fmt.Errorf("log.entries[%d]: URL %q is neither http nor https", i, shorten(q.URL))
		}
		r := imported{method: q.Method, url: q.URL}
		for _, h := range q.Headers {
			switch name := strings.ToLower(h.Name); {
			case strings.HasPrefix(name, ":"), name == "host", name == "content-length", name == "connection", name == "cookie", name == "accept-encoding":
			default:
				r.headers = append(r.headers, [2]string{h.Name, h.Value})
			}
		}
		if q.PostData != nil {
			r.body = q.PostData.Text
			if q.PostData.Encoding == "base64" {
				b, err := base64.StdEncoding.DecodeString(r.body)
				if err != nil {
					return "", fmt.Errorf("log.entries[%d]: a body that is no base64", i)
				}
				r.body = string(b)
			}
			if r.header("Content-Type") == "" && q.PostData.MimeType != "" {
				r.headers = append(r.headers, [2]string{"Content-Type", q.PostData.MimeType})
			}
		}
		list = append(list, r)
	}
	return write(list)
}

// write is the requests as a .http file that File reads back alike.
func write(list []imported) (string, error) {
	var b strings.Builder
	if len(list) > 1 {
		b.WriteString("# @sequence\n\n")
	}
	for i, r := range list {
		if i > 0 {
			b.WriteString("\n")
		}
		if !strings.Contains(r.url, "://") && !strings.HasPrefix(r.url, "/") {
			r.url = "http://" + r.url
		}
		r.url = strings.ReplaceAll(r.url, " ", "%20")
		fmt.Fprintf(&b, "### %s %s\n", r.method, shorten(r.url))
		for _, n := range r.notes {
			fmt.Fprintf(&b, "# %s\n", n)
		}
		fmt.Fprintf(&b, "%s %s\n", r.method, r.url)
		for _, h := range r.headers {
			fmt.Fprintf(&b, "%s: %s\n", h[0], h[1])
		}
		if r.body != "" {
			for _, line := range strings.Split(r.body, "\n") {
				if strings.HasPrefix(line, "###") || strings.HasPrefix(strings.TrimSpace(line), "> ") || strings.HasPrefix(strings.TrimSpace(line), "<") && i == 0 {
					return "", fmt.Errorf("%s %s: a body that a .http file cannot hold: put it into a file and write < ./body as the body", r.method, shorten(r.url))
				}
			}
			fmt.Fprintf(&b, "\n%s\n", r.body)
		}
	}
	text := b.String()
	if strings.Contains(text, "{{") {
		return "", fmt.Errorf("a request has {{ in it, which a .http file takes for a variable: put the body into a file and write < ./body as the body")
	}
	if _, err := Text("imported", text); err != nil {
		return "", err
	}
	return text, nil
}
