package requests

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// FromCurl turns curl commands, as browsers and documentation have them, into
// the text of a .http file. What would change what is sent and is not understood is
// an error that names it; path is for the complaints.
func FromCurl(path, text string) (string, error) {
	commands, err := shellCommands(path, text)
	if err != nil {
		return "", err
	}
	var list []imported
	for _, command := range commands {
		words := command.words
		if words[0].text != "curl" {
			return "", words[0].at.errorf("%q is no curl command (an address with & in it stands between quotes)", shorten(words[0].text))
		}
		more, err := fromCurl(command)
		if err != nil {
			return "", err
		}
		list = append(list, more...)
	}
	if len(list) == 0 {
		return "", place{path, 1, 1}.errorf("no curl command in it: one such as curl 'http://localhost:5000/' is expected")
	}
	return write(list)
}

// curlLine is what the flags of a command have said so far.
type curlLine struct {
	imported
	urls      []word
	input     *string // what the command reads
	parts     []formPart
	upload    string   // the file that is sent; "" for none
	asked     []string // parts of the query besides the address's own
	follows   bool     // redirects are
	posts     bool     // there is a body, be it empty
	json      bool     // … whose parts follow one another
	get, head bool
	noGlob    bool
	asIs      bool // dots in the path stay
	cookies   []string
	jars      []string        // files of them
	owns      [][2]string     // headers that it makes of other flags
	without   map[string]bool // headers that are not sent by themselves, in small letters
}

// curlFlag is what a flag does; with a nil does it changes nothing of what is sent.
type curlFlag struct {
	takes bool // a value
	does  func(c *curlLine, value string) error
}

var curlFlags = map[string]curlFlag{}

func init() {
	plain := func(f func(*curlLine)) curlFlag {
		return curlFlag{false, func(c *curlLine, _ string) error { f(c); return nil }}
	}
	value := func(f func(*curlLine, string)) curlFlag {
		return curlFlag{true, func(c *curlLine, v string) error { f(c, v); return nil }}
	}
	noted := func(words string) curlFlag {
		return plain(func(c *curlLine) { c.note(words) })
	}
	notedValue := func(words string) curlFlag {
		return value(func(c *curlLine, v string) { c.note(words + v) })
	}
	nothing, nothingOf := curlFlag{}, curlFlag{takes: true}
	for _, f := range []struct {
		names string
		curlFlag
	}{
		{"-X --request", value(func(c *curlLine, v string) { c.method = v })},
		{"-H --header", curlFlag{true, (*curlLine).addHeader}},
		{"-A --user-agent", value(func(c *curlLine, v string) { c.own("User-Agent", v) })},
		{"-e --referer", value(func(c *curlLine, v string) { c.own("Referer", strings.TrimSuffix(v, ";auto")) })},
		{"-u --user", curlFlag{true, (*curlLine).addUser}},
		{"--oauth2-bearer", value(func(c *curlLine, v string) { c.own("Authorization", "Bearer "+v) })},
		{"--basic", nothing},
		{"-b --cookie", curlFlag{true, (*curlLine).addCookies}},
		{"-c --cookie-jar", nothingOf},
		{"-d --data --data-ascii", curlFlag{true, func(c *curlLine, v string) error { return c.addData(v, false) }}},
		{"--data-binary", curlFlag{true, func(c *curlLine, v string) error { return c.addData(v, true) }}},
		{"-F --form", curlFlag{true, (*curlLine).addPart}},
		{"--form-string", curlFlag{true, (*curlLine).addPlainPart}},
		{"-T --upload-file", curlFlag{true, (*curlLine).addUpload}},
		{"-r --range", value(func(c *curlLine, v string) { c.own("Range", "bytes="+v) })},
		{"--url-query", curlFlag{true, (*curlLine).addQuery}},
		{"-L --location", plain(func(c *curlLine) { c.follows = true })},
		{"--data-raw", value((*curlLine).addRaw)},
		{"--data-urlencode", curlFlag{true, (*curlLine).addEncoded}},
		{"--json", curlFlag{true, (*curlLine).addJSON}},
		{"--url", value(func(c *curlLine, v string) { c.urls = append(c.urls, word{v, c.at}) })},
		{"-G --get", plain(func(c *curlLine) { c.get = true })},
		{"-I --head", plain(func(c *curlLine) { c.head = true })},
		{"-g --globoff", plain(func(c *curlLine) { c.noGlob = true })},
		{"--path-as-is", plain(func(c *curlLine) { c.asIs = true })},
		{"-k --insecure", noted("run with --insecure")},
		{"--http2 --http2-prior-knowledge", noted("run with --http2")},
		{"--http3 --http3-only", noted("run with --http3")},
		{"-x --proxy", notedValue("run with --proxy=")},
		{"--resolve", notedValue("run with --resolve=")},
		{"--cacert", notedValue("run with --cacert=")},
		{"-m --max-time", notedValue("run with --timeout=")},
		{"--connect-timeout", notedValue("run with --connect-timeout=")},
		{"-U --proxy-user", notedValue("run with --proxy=http://USER:PASSWORD@HOST:PORT, as ")},
		{"-E --cert", notedValue("run with --cert=")},
		{"--key", notedValue("run with --key=")},
		{"--limit-rate --max-filesize -D --dump-header --keepalive-time --happy-eyeballs-timeout-ms --noproxy --etag-save", nothingOf},
		{"-j --junk-session-cookies --no-sessionid --no-alpn --styled-output --tcp-fastopen --ssl-no-revoke --xattr -R --remote-time --remote-name-all --trace-time --suppress-connect-headers", nothing},
		{"--max-redirs -o --output -w --write-out --retry --retry-delay --retry-max-time --trace --trace-ascii --stderr --output-dir", nothingOf},
		{"--compressed -s --silent -S --show-error -v --verbose -i --include -f --fail --fail-with-body --http1.1", nothing},
		{"-# --progress-bar --no-progress-meter -N --no-buffer -O --remote-name -J --remote-header-name --retry-all-errors", nothing},
		{"--retry-connrefused --create-dirs -4 --ipv4 -6 --ipv6 --tcp-nodelay --keepalive -Z --parallel --fail-early -q --disable --no-keepalive", nothing},
	} {
		for _, name := range strings.Fields(f.names) {
			curlFlags[name] = f.curlFlag
		}
	}
}

// fromCurl is the requests that a command makes.
func fromCurl(command command) (list []imported, err error) {
	words := command.words
	c := &curlLine{imported: imported{at: words[0].at}, input: command.input, without: map[string]bool{}}
	for i := 1; i < len(words); i++ {
		at, w := words[i].at, words[i].text
		next := func() (string, error) {
			if i++; i == len(words) {
				return "", at.errorf("curl flag %s has no value", w)
			}
			return words[i].text, nil
		}
		switch {
		case w == "--next" || w == "-:":
			more, err := c.requests()
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
			c = &curlLine{imported: imported{at: at}, input: command.input, without: map[string]bool{}}
			continue
		case !strings.HasPrefix(w, "-") || w == "-":
			c.urls = append(c.urls, words[i])
			continue
		case strings.HasPrefix(w, "--"):
			name, value, has := strings.Cut(w, "=")
			err = c.flag(at, w, name, func() (string, error) {
				if has {
					return value, nil
				}
				return next()
			})
		default:
			// Flags in a row: -sSL, -XPOST, -sd 'a=b'. The first one that takes a value
			// has the rest, or the next word.
			for j := 1; j < len(w) && err == nil; j++ {
				rest := w[j+1:]
				err = c.flag(at, w, "-"+w[j:j+1], func() (string, error) {
					j = len(w)
					if rest != "" {
						return rest, nil
					}
					return next()
				})
			}
		}
		if err != nil {
			return nil, err
		}
	}
	more, err := c.requests()
	return append(list, more...), err
}

// flag does what the flag of that name does, which stands in a word as written.
func (c *curlLine) flag(at place, as, name string, value func() (string, error)) error {
	name, err := wholeFlag(name)
	if err != nil {
		return at.errorf("%v", err)
	}
	f, known := curlFlags[name]
	if base, no := strings.CutPrefix(name, "--no-"); !known && no {
		f, known = curlFlags["--"+base]
		known = known && !f.takes && (f.does == nil || base == "location")
		f.does = nil
	}
	if !known {
		return at.errorf("curl flag %s is not understood", as)
	}
	v := ""
	if f.takes {
		var err error
		if v, err = value(); err != nil {
			return err
		}
	}
	if f.does == nil {
		return nil
	}
	if err := f.does(c, v); err != nil {
		return at.errorf("curl flag %s %s: %v", as, shorten(v), err)
	}
	return nil
}

func (c *curlLine) note(words string) { c.notes = append(c.notes, words) }

// own is a header that curl makes of another flag, of which the last one counts: a -H
// of that name goes before it.
func (c *curlLine) own(name, value string) {
	c.owns = slices.DeleteFunc(c.owns, func(h [2]string) bool { return h[0] == name })
	c.owns = append(c.owns, [2]string{name, value})
}

func (c *curlLine) addHeader(v string) error {
	name, value, colon := strings.Cut(v, ":")
	bare, empty := strings.CutSuffix(v, ";")
	switch name, value = strings.TrimSpace(name), strings.TrimSpace(value); {
	case strings.HasPrefix(v, "@"):
		text, err := c.file(v[1:])
		if err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimRight(line, "\r\n"); line != "" && !strings.HasPrefix(line, "@") {
				if err := c.addHeader(line); err != nil {
					return err
				}
			}
		}
	case colon && strings.EqualFold(name, "content-length"):
		c.note("Content-Length is left out: it is that of the body")
	case colon && strings.EqualFold(name, "transfer-encoding"):
		c.note("Transfer-Encoding is left out: a body is sent with its length")
	case colon && value == "": // not this one, of those that curl sends by itself
		c.without[strings.ToLower(name)] = true
	case colon && !sendable(name, value):
		return errors.New("no such header can be sent")
	case colon:
		c.headers = append(c.headers, [2]string{name, value})
	case empty:
		return fmt.Errorf("a header without a value is not sent here: give %s one", strings.TrimSpace(bare))
	}
	return nil // curl ignores what has no colon
}

func (c *curlLine) addUser(v string) error {
	if !strings.Contains(v, ":") {
		return errors.New("curl would ask for the password: write it as user:password")
	}
	c.own("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(v)))
	return nil
}

func (c *curlLine) addCookies(v string) error {
	switch {
	case v == "": // cookies are kept, as they are here
	case !strings.Contains(v, "="):
		c.jars = append(c.jars, v)
	default:
		c.cookies = append(c.cookies, v)
	}
	return nil
}

func (c *curlLine) addRaw(v string) { c.body, c.posts = c.joined(v, "&"), true }

func (c *curlLine) joined(v, sep string) string {
	if !c.posts {
		return v
	}
	return c.body + sep + v
}

// addData is -d, of which a file loses its line ends, or --data-binary.
func (c *curlLine) addData(v string, binary bool) error {
	name, ok := strings.CutPrefix(v, "@")
	if !ok {
		c.addRaw(v)
		return nil
	}
	text, err := c.file(name)
	if err != nil {
		return err
	}
	if !binary {
		text = strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(text)
	}
	c.addRaw(text)
	return nil
}

// encodedData is what --data-urlencode and --url-query make of their value: content,
// =content, name=content, @file or name@file.
func (c *curlLine) encodedData(v string) (string, error) {
	name, value := "", v
	if i := strings.IndexAny(v, "=@"); i >= 0 {
		name, value = v[:i], v[i+1:]
		if v[i] == '@' {
			text, err := c.file(value)
			if err != nil {
				return "", err
			}
			value = text
		}
	}
	if name != "" {
		name += "="
	}
	return name + url.QueryEscape(value), nil
}

func (c *curlLine) addEncoded(v string) error {
	text, err := c.encodedData(v)
	if err == nil {
		c.addRaw(text)
	}
	return err
}

func (c *curlLine) addQuery(v string) error {
	text, plain := strings.CutPrefix(v, "+")
	var err error
	if !plain {
		text, err = c.encodedData(v)
	}
	c.asked = append(c.asked, text)
	return err
}

func (c *curlLine) addJSON(v string) error {
	if name, ok := strings.CutPrefix(v, "@"); ok {
		text, err := c.file(name)
		if err != nil {
			return err
		}
		v = text
	}
	c.body, c.posts = c.joined(v, ""), true
	if !c.json {
		c.json = true
		c.own("Content-Type", "application/json")
		c.own("Accept", "application/json")
	}
	return nil
}

func (c *curlLine) addUpload(v string) error {
	text, err := c.file(v)
	if err != nil {
		return err
	}
	c.upload, c.body = v, text
	return nil
}

// mostFile is the largest file that is written into a .http file.
const mostFile = 16 << 20

// file is what a file that a command names holds, or what it reads.
func (c *curlLine) file(name string) (string, error) {
	if name == "-" || name == "." {
		if c.input == nil {
			return "", errors.New("what curl reads from standard input is not in the file: write it as the value of --data-raw")
		}
		return *c.input, nil
	}
	text, err := Read(name)
	switch {
	case err != nil:
		return "", err
	case len(text) > mostFile:
		return "", fmt.Errorf("%s: longer than %d MiB: write < %s as the body into the .http file", name, mostFile>>20, name)
	}
	return text, nil
}

// requests are those of the command, one for each address.
func (c *curlLine) requests() (list []imported, err error) {
	if len(c.urls) == 0 {
		return nil, c.at.errorf("a curl command without a URL")
	}
	if len(c.parts) > 0 {
		if c.posts {
			return nil, c.at.errorf("curl takes -F or -d, not both")
		}
		c.form()
	}
	switch {
	case c.upload != "" && (c.posts || c.head):
		return nil, c.at.errorf("curl takes -T or a body or -I, not several of them")
	case c.upload != "":
	case c.get:
		c.posts = false
	case c.posts && c.head:
		return nil, c.at.errorf("curl flag -I: a HEAD has no body; with -G it becomes the query")
	case c.posts && !c.json && len(c.parts) == 0:
		c.own("Content-Type", formType)
	}
	if own := "User-Agent"; c.without["user-agent"] || slices.Contains(c.owns, [2]string{own, ""}) {
		c.headers = append(c.headers, [2]string{own, ""}) // without a value it takes ours away
	}
	given := c.headers
	for _, h := range c.owns {
		if name := strings.ToLower(h[0]); h[1] != "" && !c.without[name] && !slices.ContainsFunc(given, func(g [2]string) bool { return strings.EqualFold(g[0], name) }) {
			c.headers = append(c.headers, h)
		}
	}
	switch {
	case c.method != strings.ToUpper(c.method):
		return nil, c.at.errorf("method %s: capital letters are expected", shorten(c.method))
	case c.method != "":
	case c.upload != "":
		c.method = "PUT"
	case c.head:
		c.method = "HEAD"
	case c.posts:
		c.method = "POST"
	default:
		c.method = "GET"
	}
	c.stays = !c.follows
	for _, w := range c.urls {
		all := []string{w.text}
		if !c.noGlob {
			if all, err = glob(w.text); err != nil {
				return nil, w.at.errorf("%v", err)
			}
		}
		for _, text := range all {
			r := c.imported
			r.headers = slices.Clone(c.headers)
			if r.url, err = c.address(word{text, w.at}); err != nil {
				return nil, err
			}
			var cookies []string
			for _, jar := range c.jars {
				more, err := c.fromJar(jar, r.url)
				if err != nil {
					return nil, w.at.errorf("curl flag -b %s: %v", shorten(jar), err)
				}
				cookies = append(cookies, more...)
			}
			if len(c.cookies) > 0 {
				cookies = append(cookies, strings.Join(c.cookies, ";"))
			}
			if has := func(h [2]string) bool { return strings.EqualFold(h[0], "cookie") }; len(cookies) > 0 && !c.without["cookie"] && !slices.ContainsFunc(given, has) {
				r.headers = append(r.headers, [2]string{"Cookie", strings.Join(cookies, "; ")})
			}
			if c.get {
				r.body = ""
			}
			list = append(list, r)
		}
	}
	return list, nil
}

// address is what curl requests of an address.
func (c *curlLine) address(w word) (string, error) {
	text, _, _ := strings.Cut(w.text, "#")
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(strings.ReplaceAll(text, " ", "%20"))
	switch {
	case err != nil:
		return "", w.at.errorf("%q is no address: %v", shorten(w.text), errors.Unwrap(err))
	case u.Scheme != "http" && u.Scheme != "https":
		return "", w.at.errorf("%q is neither http nor https", shorten(w.text))
	}
	host := text[:strings.Index(text, "://")+3]
	path, query, asks := strings.Cut(text[len(host):], "?")
	host2, path, _ := strings.Cut(path, "/")
	host, path = host+host2, "/"+path
	if !c.asIs && strings.Contains(path, "/.") {
		path = (&url.URL{Path: "/"}).ResolveReference(&url.URL{Path: path}).Path
	}
	more := c.asked
	if c.get && c.body != "" {
		more = append([]string{c.body}, more...)
	}
	for _, text := range more {
		if query != "" {
			query += "&"
		}
		query, asks = query+text, true
	}
	if c.upload != "" && c.upload != "-" && strings.HasSuffix(path, "/") {
		path += url.PathEscape(filepath.Base(c.upload))
	}
	if asks {
		path += "?" + query
	}
	return host + path, nil
}
