package requests

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
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
	for _, words := range commands {
		if words[0].text != "curl" {
			return "", words[0].at.errorf("%q is no curl command (an address with & in it stands between quotes)", shorten(words[0].text))
		}
		more, err := fromCurl(words)
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
	posts     bool // there is a body, be it empty
	json      bool // … whose parts follow one another
	get, head bool
	noGlob    bool
	asIs      bool // dots in the path stay
	cookies   []string
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
		{"-d --data --data-ascii --data-binary", curlFlag{true, (*curlLine).addData}},
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
		{"--max-redirs -o --output -w --write-out --retry --retry-delay --retry-max-time --trace --trace-ascii --stderr --output-dir", nothingOf},
		{"-L --location --compressed -s --silent -S --show-error -v --verbose -i --include -f --fail --fail-with-body --http1.1", nothing},
		{"-# --progress-bar --no-progress-meter -N --no-buffer -O --remote-name -J --remote-header-name --retry-all-errors", nothing},
		{"--retry-connrefused --create-dirs -4 --ipv4 -6 --ipv6 --tcp-nodelay --keepalive -Z --parallel --fail-early -q --disable --no-keepalive", nothing},
	} {
		for _, name := range strings.Fields(f.names) {
			curlFlags[name] = f.curlFlag
		}
	}
}

// fromCurl is the requests that a command makes.
func fromCurl(words []word) (list []imported, err error) {
	c := &curlLine{imported: imported{at: words[0].at}, without: map[string]bool{}}
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
			c = &curlLine{imported: imported{at: at}, without: map[string]bool{}}
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
	f, known := curlFlags[name]
	switch {
	case name == "-F" || name == "--form":
		return at.errorf("curl flag %s is not understood: write the multipart body into the .http file", as)
	case !known:
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
		return errors.New("a file of headers: write them into the .http file")
	case colon && value == "": // not this one, of those that curl sends by itself
		c.without[strings.ToLower(name)] = true
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
		return errors.New("a file of cookies: write them as 'name=value; other=value'")
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

func (c *curlLine) addData(v string) error {
	if file, ok := strings.CutPrefix(v, "@"); ok {
		return fmt.Errorf("a file as the body: write < ./%s as the body yourself", file)
	}
	c.addRaw(v)
	return nil
}

func (c *curlLine) addEncoded(v string) error {
	name, value, named := strings.Cut(v, "=")
	if !named {
		name, value = "", v
		if strings.Contains(v, "@") {
			return errors.New("a file as the body: write its text instead")
		}
	}
	if name != "" {
		name += "="
	}
	c.addRaw(name + url.QueryEscape(value))
	return nil
}

func (c *curlLine) addJSON(v string) error {
	if strings.HasPrefix(v, "@") {
		return c.addData(v)
	}
	c.body, c.posts = c.joined(v, ""), true
	if !c.json {
		c.json = true
		c.own("Content-Type", "application/json")
		c.own("Accept", "application/json")
	}
	return nil
}

// requests are those of the command, one for each address.
func (c *curlLine) requests() (list []imported, err error) {
	if len(c.urls) == 0 {
		return nil, c.at.errorf("a curl command without a URL")
	}
	if len(c.cookies) > 0 {
		c.own("Cookie", strings.Join(c.cookies, ";"))
	}
	switch {
	case c.get:
		c.posts = false
	case c.posts && c.head:
		return nil, c.at.errorf("curl flag -I: a HEAD has no body; with -G it becomes the query")
	case c.posts && !c.json:
		c.own("Content-Type", "application/x-www-form-urlencoded")
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
	case c.head:
		c.method = "HEAD"
	case c.posts:
		c.method = "POST"
	default:
		c.method = "GET"
	}
	for _, w := range c.urls {
		r := c.imported
		r.headers = slices.Clone(c.headers)
		if r.url, err = c.address(w); err != nil {
			return nil, err
		}
		if c.get {
			r.body = ""
		}
		list = append(list, r)
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
	if !c.noGlob && strings.ContainsAny(path+query, "{}[]") {
		return "", w.at.errorf("curl makes several addresses of %q: write them out, or -g if that is the address", shorten(w.text))
	}
	if !c.asIs && strings.Contains(path, "/.") {
		path = (&url.URL{Path: "/"}).ResolveReference(&url.URL{Path: path}).Path
	}
	if c.get && c.body != "" {
		if query != "" {
			query += "&"
		}
		query, asks = query+c.body, true
	}
	if asks {
		path += "?" + query
	}
	return host + path, nil
}
