package requests

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tload/behaviours"
	"tload/stats"
	"tload/stats/exchange"
)

// file is a .http file: variables and requests, in order.
type file struct {
	path     string
	envs     []string         // the environments that there are
	prompts  map[string]bool  // variables that an editor would ask for
	mask     *exchange.Masker // of names made of URLs
	vars     map[string]string
	requests []*request
	sequence bool
	wait     behaviours.Wait
}

// request is one block of a file.
type request struct {
	at       place // of its request line
	title    string
	name     string // others refer to its response by it
	method   string
	url      template
	headers  []header
	body     template
	include  string // a file whose bytes are the body
	replaced bool   // variables in that file are replaced too

	disabled        bool
	onStart, onStop bool
	weight          int
	tags            []string
	expect          []int
	contains        []string
	noRedirect      bool
	timeout         time.Duration

	ready // made once the whole file is known
}

type header struct {
	name  string
	value template
	basic bool // the value is a name and a password, to be encoded
}

// sent is the value as it is sent, once everything is filled in.
func (h *header) sent(value string) string {
	if h.basic {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(value))
	}
	return value
}

// place is where something stands, for complaints.
type place struct {
	file      string
	line, col int
}

// places tells where in a text an offset is. It is fast when the offsets grow.
func places(file, text string) func(offset int) place {
	line, begin := 1, 0 // the line in which the last one was, and where it begins
	return func(offset int) place {
		offset = min(max(offset, 0), len(text))
		if offset < begin {
			line, begin = 1, 0
		}
		if n := strings.Count(text[begin:offset], "\n"); n > 0 {
			line, begin = line+n, strings.LastIndexByte(text[:offset], '\n')+1
		}
		return place{file, line, offset - begin + 1}
	}
}

func (p place) errorf(format string, a ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", p.file, p.line, p.col, fmt.Sprintf(format, a...))
}

// parser goes through a file line by line:
//
//	variables and directives → request line → headers → blank line → body → ###
type parser struct {
	o     Options
	f     *file
	lines []string
	n     int // of the line in hand, from 1
	r     *request
	body  []string
	state state
}

type state int

const (
	before state = iota // the request line
	inURL               // its continuation lines, and headers
	inBody
)

func parse(path, text string, o Options) (*file, error) {
	if o.Note == nil {
		o.Note = func(string) {}
	}
	vars, envs := map[string]string{}, []string(nil)
	if path != "" {
		var err error
		if vars, envs, err = environment(path, o.Env, o.Note); err != nil {
			return nil, err
		}
	}
	for name, value := range vars {
		o.Mask.LearnValue(name, value)
	}
	p := &parser{o: o, f: &file{path: path, mask: o.Mask, vars: vars, envs: envs, prompts: map[string]bool{}}, lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	p.begin("")
	for i, line := range p.lines {
		p.n = i + 1
		if err := p.line(line); err != nil {
			return nil, err
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if len(p.f.requests) == 0 {
		return nil, place{path, 1, 1}.errorf("no request in it: a line such as GET /items is expected")
	}
	return p.f, p.f.link()
}

func (p *parser) at(col int) place { return place{p.f.path, p.n, col} }

func (p *parser) begin(title string) {
	p.r = &request{title: title, weight: 1}
	p.body, p.state = nil, before
}

func (p *parser) line(line string) error {
	if rest, ok := strings.CutPrefix(line, "###"); ok {
		if err := p.end(); err != nil {
			return err
		}
		rest = strings.TrimSpace(strings.TrimLeft(rest, "#"))
		p.begin("")
		if strings.HasPrefix(rest, "@") {
			return p.directive(rest, strings.Index(line, "@")+1)
		}
		p.r.title = rest
		return nil
	}
	trimmed := strings.TrimSpace(line)
	col := len(line) - len(strings.TrimLeft(line, " \t")) + 1
	switch p.state {
	case before:
		switch {
		case trimmed == "":
			return nil
		case isComment(trimmed):
			return p.comment(trimmed, col)
		case strings.HasPrefix(trimmed, "@"):
			return p.variable(trimmed, col)
		case strings.HasPrefix(trimmed, "<"):
			return p.at(col).errorf("a script before the request is not understood: remove it, or write the behaviour in Go (tload init)")
		}
		return p.requestLine(trimmed, col)
	case inURL:
		switch {
		case trimmed == "":
			p.state = inBody
			return nil
		case isComment(trimmed):
			return p.comment(trimmed, col)
		case col > 1 && (trimmed[0] == '?' || trimmed[0] == '&' || trimmed[0] == '/'):
			p.r.url.text += trimmed
			return nil
		case strings.HasPrefix(trimmed, ">"), strings.HasPrefix(trimmed, "<"):
			return p.bodyLine(line, trimmed, col)
		}
		return p.header(trimmed, col)
	}
	return p.bodyLine(line, trimmed, col)
}

func isComment(s string) bool { return strings.HasPrefix(s, "#") || strings.HasPrefix(s, "//") }

func (p *parser) bodyLine(line, trimmed string, col int) error {
	switch {
	case strings.HasPrefix(trimmed, "> ") || trimmed == ">" || strings.HasPrefix(trimmed, ">{"):
		return p.at(col).errorf("a response script is not understood: use # @expect, # @contains or {{name.response.body.$.path}}, or write the behaviour in Go (tload init)")
	case strings.HasPrefix(trimmed, ">>"):
		return p.at(col).errorf("saving the response to a file is not understood: failing exchanges are kept by themselves")
	case strings.HasPrefix(trimmed, "<>"):
		return p.at(col).errorf("a reference to an earlier response is not understood: remove the line")
	case p.r.isParts() && strings.HasPrefix(trimmed, "<"):
		return p.includePart(trimmed, col)
	case len(p.body) == 0 && strings.HasPrefix(trimmed, "<"):
		return p.includeLine(trimmed, col)
	case p.r.include != "" && trimmed != "":
		return p.at(col).errorf("text after an included file is not understood: the body is the file or the text")
	}
	if len(p.body) == 0 {
		switch {
		case trimmed == "":
			return nil
		case !p.hasBody() && (isComment(trimmed) || isRequestLine(trimmed)):
			// The next request, without a ### before it.
			if err := p.end(); err != nil {
				return err
			}
			p.begin("")
			return p.line(line)
		}
	}
	p.body = append(p.body, line)
	return nil
}

// hasBody says whether the headers announce one.
func (p *parser) hasBody() bool {
	for _, h := range p.r.headers {
		switch strings.ToLower(h.name) {
		case "content-type", "content-length", "transfer-encoding":
			return true
		}
	}
	return false
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}

func isRequestLine(s string) bool {
	word, rest, ok := strings.Cut(s, " ")
	if !ok || rest == "" {
		return false
	}
	for _, m := range methods {
		if word == m {
			return true
		}
	}
	return false
}

func (p *parser) requestLine(line string, col int) error {
	method, rest, ok := strings.Cut(line, " ")
	switch {
	case !ok && (strings.HasPrefix(line, "http") || strings.HasPrefix(line, "/") || strings.HasPrefix(line, "{{")):
		method, rest = "GET", line
	case method == "GRAPHQL" || method == "WEBSOCKET" || method == "GRPC":
		return p.at(col).errorf("%s requests are not understood in a file: write the behaviour in Go (tload init)", method)
	case strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" || method == "":
		return p.at(col).errorf("a request line such as GET /items is expected, not %q", shorten(line))
	}
	rest = strings.TrimSpace(rest)
	if url, version, ok := cutLast(rest, " "); ok && strings.HasPrefix(version, "HTTP/") {
		rest = strings.TrimSpace(url)
	}
	if rest == "" {
		return p.at(col+len(method)).errorf("a path or URL is expected after %s", method)
	}
	if strings.ContainsAny(strings.NewReplacer("{{", "", "}}", "").Replace(stripTemplates(rest)), " \t") {
		return p.at(col + len(method) + 1).errorf("a URL has no space in it: write %%20")
	}
	p.r.at, p.r.method = p.at(col), method
	p.r.url = template{at: p.at(col + strings.Index(line, rest)), text: rest}
	p.state = inURL
	return nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// stripTemplates takes {{…}} out, inside which spaces are fine.
func stripTemplates(s string) string {
	for {
		i := strings.Index(s, "{{")
		if i < 0 {
			return s
		}
		j := strings.Index(s[i:], "}}")
		if j < 0 {
			return s
		}
		s = s[:i] + s[i+j+2:]
	}
}

func (p *parser) header(line string, col int) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || strings.ContainsAny(name, " \t") {
		return p.at(col).errorf("a header such as Accept: text/html is expected, not %q (a blank line goes before the body)", shorten(line))
	}
	value = strings.TrimSpace(value)
	h := header{name: name, value: template{at: p.at(col + strings.Index(line, value)), text: value}}
	if strings.EqualFold(name, "authorization") {
		switch scheme, rest, _ := strings.Cut(value, " "); {
		case strings.EqualFold(scheme, "basic") && userPassword(rest) != "":
			h.basic, h.value.text = true, userPassword(rest)
		case strings.EqualFold(scheme, "digest") && userPassword(rest) != "" && !strings.Contains(rest, "="):
			return p.at(col).errorf("Digest is not understood: it takes an answer of the server's for each request; write the behaviour in Go (tload init)")
		}
	}
	p.r.headers = append(p.r.headers, h)
	return nil
}

// userPassword is what stands behind Basic where it is a name and a password, which editors
// encode, and not yet encoded: user:password or user password.
func userPassword(s string) string {
	bare := stripTemplates(s)
	if words := strings.Fields(bare); len(words) > 2 {
		return ""
	}
	if name, password, ok := outside(s, ':'); ok {
		return name + ":" + password
	}
	if name, password, ok := outside(strings.TrimSpace(s), ' '); ok {
		return name + ":" + strings.TrimSpace(password)
	}
	return ""
}

// outside cuts at the first such character that is not between braces.
func outside(s string, at byte) (before, after string, ok bool) {
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], "{{") {
			end := strings.Index(s[i:], "}}")
			if end < 0 {
				return s, "", false
			}
			i += end + 1
			continue
		}
		if s[i] == at {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// includePart is a file within a body of parts: its bytes, or with @ its text, in which
// variables are replaced.
func (p *parser) includePart(line string, col int) error {
	name, replaced, err := p.included(line, col)
	if err != nil {
		return err
	}
	text, err := Read(name)
	switch {
	case err != nil:
		return p.at(col).errorf("%v", err)
	case len(text) > mostFile:
		return p.at(col).errorf("%s: longer than %d MiB", name, mostFile>>20)
	case !replaced:
		text = raw(text)
	}
	p.body = append(p.body, text)
	return nil
}

func (p *parser) includeLine(line string, col int) error {
	name, replaced, err := p.included(line, col)
	if err == nil {
		p.r.include, p.r.replaced = name, replaced
	}
	return err
}

// included is the file that a line such as < ./body.json names, and whether variables in it
// are replaced.
func (p *parser) included(line string, col int) (name string, replaced bool, err error) {
	rest := line[1:]
	if rest, ok := strings.CutPrefix(rest, "@"); ok {
		replaced = true
		if i := strings.IndexByte(rest, ' '); i >= 0 { // an encoding may stand there
			if enc := rest[:i]; enc != "" && !strings.EqualFold(enc, "utf8") && !strings.EqualFold(enc, "utf-8") {
				return "", false, p.at(col).errorf("encoding %q is not understood: files are sent as they are", enc)
			}
		}
		line = "<" + rest
	}
	name = strings.TrimSpace(line[1:])
	if strings.HasPrefix(name, "{%") {
		return "", false, p.at(col).errorf("a script before the request is not understood: remove it, or write the behaviour in Go (tload init)")
	}
	if name == "" || line[1] != ' ' {
		return "", false, p.at(col).errorf("a file is expected, such as < ./body.json")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(p.f.path), name)
	}
	if _, err := os.Stat(name); err != nil {
		return "", false, p.at(col).errorf("%v", err)
	}
	return name, replaced, nil
}

func (p *parser) variable(line string, col int) error {
	name, value, ok := strings.Cut(line[1:], "=")
	name = strings.TrimSpace(name)
	if !ok || name == "" || strings.ContainsAny(name, " \t.") {
		return p.at(col).errorf("a variable such as @user = foo is expected, not %q", shorten(line))
	}
	text := template{at: p.at(col), text: strings.TrimSpace(value)}
	if err := text.check(p.f.known); err != nil {
		return err
	}
	p.f.vars[name] = text.text
	p.f.mask.LearnValue(name, text.text)
	return nil
}

// comment takes the directives out of comments.
func (p *parser) comment(line string, col int) error {
	rest := strings.TrimLeft(line, "#/")
	trimmed := strings.TrimSpace(rest)
	if !strings.HasPrefix(trimmed, "@") {
		return nil
	}
	return p.directive(trimmed, col+strings.Index(line, "@"))
}

func (p *parser) directive(text string, col int) error {
	word, value, _ := strings.Cut(text, " ")
	value = strings.TrimSpace(value)
	need := func(what string) error {
		if value == "" {
			return p.at(col).errorf("%s needs %s", word, what)
		}
		return nil
	}
	r := p.r
	switch word {
	case "@name":
		r.name = value
		return need("a name")
	case "@on-start":
		r.onStart = true
	case "@on-stop":
		r.onStop = true
	case "@weight":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return p.at(col).errorf("@weight %q: a whole number of at least 1 is expected", value)
		}
		r.weight = n
	case "@wait":
		w, err := parseWait(value)
		if err != nil {
			return p.at(col).errorf("@wait %q: %v", value, err)
		}
		p.f.wait = w
	case "@expect":
		for _, word := range strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' }) {
			n, err := strconv.Atoi(word)
			if err != nil || n < 100 || n > 599 {
				return p.at(col).errorf("@expect %q: status codes such as 200 or 200,404 are expected", value)
			}
			r.expect = append(r.expect, n)
		}
		return need("a status code, such as 200")
	case "@contains":
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		r.contains = append(r.contains, value)
		return need("a text that the body holds")
	case "@tags":
		r.tags = strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' })
	case "@sequence":
		p.f.sequence = true
	case "@no-redirect":
		r.noRedirect = true
	case "@timeout", "@connection-timeout":
		d, err := parseDuration(value)
		if err != nil {
			return p.at(col).errorf("%s %q: %v", word, value, err)
		}
		r.timeout = d
	case "@disabled":
		r.disabled = true
	case "@prompt":
		name, _, _ := strings.Cut(value, " ")
		p.f.prompts[name] = true
		return need("the name of a variable")
	case "@no-log", "@no-cookie-jar", "@no-auto-encoding", "@note", "@title", "@description", "@save", "@openWith", "@extension", "@verbose", "@debug", "@ref", "@forceRef", "@no-streaming-log":
		// Of the editors; they change nothing here.
	default:
		for _, known := range directives {
			if stats.EditDistance(strings.ToLower(word), known) <= 2 {
				return p.at(col).errorf("directive %s is not understood (did you mean %s?)", word, known)
			}
		}
		p.o.Note(p.at(col).errorf("%s is none of tload's directives, and is passed over (known: %s)", word, strings.Join(directives, " ")).Error())
	}
	return nil
}

// directives are tload's own.
var directives = []string{"@name", "@on-start", "@on-stop", "@weight", "@wait", "@expect", "@contains", "@tags", "@sequence", "@no-redirect", "@timeout", "@disabled", "@prompt"}

func parseWait(text string) (behaviours.Wait, error) {
	low, high, ok := strings.Cut(text, "-")
	if !ok {
		high = low
	}
	a, err := parseDuration(low)
	if err != nil {
		return behaviours.Wait{}, err
	}
	b, err := parseDuration(high)
	if err == nil && b < a {
		err = fmt.Errorf("the first is longer than the second")
	}
	return behaviours.Between(a, b), err
}

func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("a duration such as 1s, 500ms or 1s-5s is expected")
	}
	return d, nil
}

// end puts the request in hand into the file.
func (p *parser) end() error {
	r := p.r
	if r.method == "" {
		switch {
		case r.name != "" || r.onStart || r.onStop || r.expect != nil || r.contains != nil:
			return p.at(1).errorf("directives without a request: a line such as GET /items is expected below them")
		}
		return nil
	}
	for len(p.body) > 0 && strings.TrimSpace(p.body[len(p.body)-1]) == "" {
		p.body = p.body[:len(p.body)-1]
	}
	if len(p.body) > 0 {
		text := strings.Join(p.body, "\n")
		switch {
		case r.isForm():
			// Forms are often broken into lines for the eye.
			text = strings.ReplaceAll(text, "\n", "")
		case r.isParts():
			// As the format of parts wants it, and the editors send it.
			text = strings.Join(p.body, "\r\n")
			if lastBoundary(p.body[len(p.body)-1]) {
				text += "\r\n"
			}
		}
		r.body = template{at: place{p.f.path, r.at.line + 1 + len(r.headers), 1}, text: text}
	}
	if !r.disabled {
		p.f.requests = append(p.f.requests, r)
	}
	return nil
}

// formType is that of a form in which values are escaped as in a URL.
const formType = "application/x-www-form-urlencoded"

func (r *request) isForm() bool { return strings.HasPrefix(r.kind(), formType) }

// isParts says that the body is one of several parts, each with a head of its own.
func (r *request) isParts() bool { return isParts(r.kind()) }

func isParts(kind string) bool { return strings.HasPrefix(strings.ToLower(kind), "multipart/") }

// kind is the type of the body as written.
func (r *request) kind() string {
	for _, h := range r.headers {
		if strings.EqualFold(h.name, "content-type") {
			return h.value.text
		}
	}
	return ""
}

// lastBoundary says that a line ends a body of parts.
func lastBoundary(line string) bool {
	line = strings.TrimSpace(line)
	return len(line) > 4 && strings.HasPrefix(line, "--") && strings.HasSuffix(line, "--")
}

func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
