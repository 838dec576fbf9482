package requests

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What curl makes of -F, of files of cookies, of sets and ranges in addresses, and of flags
// that are cut short.

// formPart is a part of a multipart form.
type formPart struct {
	name, content string
	file          string // its file's name; "" for none
	kind          string // its Content-Type; "" for none
	headers       []string
}

// boundary stands between the parts of a form. curl takes another one each time.
const boundary = "------------------------tload0b0a7dacf1e5"

// form makes the body of the parts.
func (c *curlLine) form() {
	var b strings.Builder
	for _, p := range c.parts {
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quotedName(p.name) + "\"")
		if p.file != "" {
			b.WriteString("; filename=\"" + quotedName(p.file) + "\"")
		}
		b.WriteString("\r\n")
		if p.kind != "" {
			b.WriteString("Content-Type: " + p.kind + "\r\n")
		}
		for _, h := range p.headers {
			b.WriteString(h + "\r\n")
		}
		b.WriteString("\r\n" + p.content + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	c.body, c.posts = b.String(), true
	c.own("Content-Type", "multipart/form-data; boundary="+boundary)
}

// quotedName is a name within the quotes of a part's head, as browsers and curl have it.
func quotedName(s string) string {
	return strings.NewReplacer("\"", "%22", "\r", "%0D", "\n", "%0A").Replace(s)
}

// addPlainPart is --form-string: whatever the value begins with, it is the content.
func (c *curlLine) addPlainPart(v string) error {
	name, value, ok := strings.Cut(v, "=")
	if !ok {
		return errors.New("name=content is expected")
	}
	c.parts = append(c.parts, formPart{name: name, content: value})
	return nil
}

// addPart is -F: name=content, name=@file, name=<file, with ;type=, ;filename= and
// ;headers= behind it.
func (c *curlLine) addPart(v string) error {
	name, value, ok := strings.Cut(v, "=")
	if !ok {
		return errors.New("name=content is expected")
	}
	p := formPart{name: name}
	how, typed := byte(0), false
	if value != "" && (value[0] == '@' || value[0] == '<') {
		how, value = value[0], value[1:]
	} else if value == "(" || strings.HasPrefix(value, "(;") || value == ")" {
		return errors.New("parts within a part are not understood: write the body into the .http file")
	}
	words, err := formWords(value)
	if err != nil {
		return err
	}
	file := words[0]
	if how == '@' && strings.Contains(file, ",") {
		return errors.New("several files in one part are not understood: a flag for each")
	}
	switch how {
	case 0:
		p.content = file
	default:
		if p.content, err = c.file(file); err != nil {
			return err
		}
		if how == '@' {
			p.file, p.kind = filepath.Base(file), typeOf(file)
			if file == "-" {
				p.file = "-"
			}
		}
	}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch strings.TrimSpace(key) {
		case "type":
			p.kind, typed = value, true
		case "filename":
			p.file = value
			if !typed && how == '@' {
				p.kind = typeOf(value)
			}
		case "headers":
			if strings.HasPrefix(value, "@") || strings.HasPrefix(value, "<") {
				return errors.New("a file of a part's headers is not understood")
			}
			p.headers = append(p.headers, value)
		case "encoder":
			return errors.New(";encoder= is not understood in a part")
		default:
			c.note("curl passes over ;" + w + " of the part " + name)
		}
	}
	c.parts = append(c.parts, p)
	return nil
}

// formWords are a value and what stands behind it with semicolons. What is between quotes
// is as it is.
func formWords(s string) (words []string, err error) {
	for {
		var word string
		if strings.HasPrefix(s, "\"") {
			end := 1
			var b strings.Builder
			for ; end < len(s) && s[end] != '"'; end++ {
				if s[end] == '\\' && end+1 < len(s) && (s[end+1] == '"' || s[end+1] == '\\') {
					end++
				}
				b.WriteByte(s[end])
			}
			if end == len(s) {
				return nil, errors.New("a quote is not closed")
			}
			word, s = b.String(), s[end+1:]
			s = s[max(strings.IndexByte(s, ';'), 0):]
			if !strings.HasPrefix(s, ";") {
				s = ""
			}
		} else {
			end := strings.IndexByte(s, ';')
			if end < 0 {
				end = len(s)
			}
			word, s = s[:end], s[end:]
			if s != "" {
				word = strings.TrimRight(word, " \t")
			}
		}
		if len(words) > 0 { // key="a value"
			if key, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(value, "\"") {
				unquoted, err := formWords(value + s)
				if err != nil {
					return nil, err
				}
				return append(append(words, strings.TrimLeft(key, " ")+"="+unquoted[0]), unquoted[1:]...), nil
			}
			word = strings.TrimLeft(word, " ")
		}
		words = append(words, word)
		if s == "" {
			return words, nil
		}
		s = s[1:]
	}
}

// typeOf is the type that curl takes a file for by its name.
func typeOf(name string) string {
	for _, t := range [][2]string{
		{".gif", "image/gif"}, {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".png", "image/png"}, {".svg", "image/svg+xml"},
		{".txt", "text/plain"}, {".htm", "text/html"}, {".html", "text/html"}, {".pdf", "application/pdf"}, {".xml", "application/xml"},
	} {
		if strings.HasSuffix(strings.ToLower(name), t[0]) {
			return t[1]
		}
	}
	return "application/octet-stream"
}

// fromJar are the cookies of a file, as curl -c and browsers' tools write it, that go to an
// address. A file that is not there has none, as for curl.
func (c *curlLine) fromJar(name, address string) (list []string, err error) {
	text, err := c.file(name)
	if err != nil {
		if name != "-" {
			c.note("the file of cookies " + name + " is not there")
			return nil, nil
		}
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	type cookie struct{ text, path, domain string }
	var all []cookie
	host := strings.ToLower(u.Hostname())
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		line = strings.TrimPrefix(line, "#HttpOnly_")
		f := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(f) < 6 {
			if line != "" && !strings.HasPrefix(line, "#") {
				return nil, errors.New("no file of cookies as curl -c writes it: write them as 'name=value; other=value'")
			}
			continue
		}
		domain, path := strings.ToLower(strings.TrimPrefix(f[0], ".")), f[2]
		value := ""
		if len(f) > 6 {
			value = f[6]
		}
		until, _ := strconv.ParseInt(f[4], 10, 64)
		switch {
		case until != 0 && until < time.Now().Unix(),
			strings.EqualFold(f[3], "TRUE") && u.Scheme != "https" && host != "localhost" && !net.ParseIP(host).IsLoopback(),
			host != domain && !(strings.EqualFold(f[1], "TRUE") && strings.HasSuffix(host, "."+domain) && net.ParseIP(host) == nil),
			!strings.HasPrefix(cmp.Or(u.EscapedPath(), "/"), path) || path != "/" && !strings.HasSuffix(path, "/") && len(u.EscapedPath()) > len(path) && u.EscapedPath()[len(path)] != '/':
			continue
		}
		all = append(all, cookie{f[5] + "=" + value, path, domain})
	}
	slices.SortStableFunc(all, func(a, b cookie) int {
		return cmp.Or(cmp.Compare(len(b.path), len(a.path)), cmp.Compare(len(b.domain), len(a.domain)))
	})
	for _, k := range all {
		list = append(list, k.text)
	}
	return list, nil
}

// mostAddresses is how many addresses a set or a range may stand for.
const mostAddresses = 10_000

// glob are the addresses that curl makes of {a,b} and [1-5] in one.
func glob(text string) ([]string, error) {
	i := strings.IndexAny(text, "{[\\")
	if i < 0 {
		return []string{text}, nil
	}
	var parts []string
	rest := ""
	switch {
	case text[i] == '\\' && i+1 < len(text) && strings.ContainsRune("{}[]", rune(text[i+1])):
		parts, rest = []string{text[i+1 : i+2]}, text[i+2:]
	case text[i] == '\\':
		parts, rest = []string{text[i : i+1]}, text[i+1:]
	case text[i] == '{':
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return nil, fmt.Errorf("%q: a { without }: -g takes the address as it is", shorten(text))
		}
		parts, rest = strings.Split(text[i+1:i+end], ","), text[i+end+1:]
	default:
		end := strings.IndexByte(text[i:], ']')
		if end < 0 {
			return nil, fmt.Errorf("%q: a [ without ]: -g takes the address as it is", shorten(text))
		}
		inside := text[i+1 : i+end]
		if strings.Contains(inside, ":") && net.ParseIP(inside) != nil { // an address of IPv6
			parts, rest = []string{text[i : i+end+1]}, text[i+end+1:]
			break
		}
		var err error
		if parts, err = spread(inside); err != nil {
			return nil, fmt.Errorf("%q: %w: -g takes the address as it is", shorten(text), err)
		}
		rest = text[i+end+1:]
	}
	tails, err := glob(rest)
	if err != nil {
		return nil, err
	}
	if len(parts)*len(tails) > mostAddresses {
		return nil, fmt.Errorf("%q stands for more than %d addresses", shorten(text), mostAddresses)
	}
	var out []string
	for _, p := range parts {
		for _, t := range tails {
			out = append(out, text[:i]+p+t)
		}
	}
	return out, nil
}

// spread is 1-5, 01-20:2 or a-z.
func spread(s string) (out []string, err error) {
	bad := errors.New("a range such as [1-5] or [a-z] is expected")
	s, stepText, stepped := strings.Cut(s, ":")
	step := 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return nil, bad
		}
	}
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return nil, bad
	}
	if len(from) == 1 && len(to) == 1 && from[0] > '9' && to[0] > '9' && from <= to {
		for c := int(from[0]); c <= int(to[0]); c += step {
			out = append(out, string(rune(c)))
		}
		return out, nil
	}
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	if err1 != nil || err2 != nil || a > b || a < 0 || (b-a)/step > mostAddresses {
		return nil, bad
	}
	width := 0
	if strings.HasPrefix(from, "0") {
		width = len(from)
	}
	for n := a; n <= b; n += step {
		out = append(out, fmt.Sprintf("%0*d", width, n))
	}
	return out, nil
}

// wholeFlag is the flag that one stands for that is cut short: curl takes as much of a name
// as is no other's.
func wholeFlag(name string) (string, error) {
	if _, known := curlFlags[name]; known || !strings.HasPrefix(name, "--") || slices.Contains(curlNames, name[2:]) {
		return name, nil
	}
	var hits []string
	for _, n := range curlNames {
		if strings.HasPrefix(n, name[2:]) {
			hits = append(hits, n)
		}
	}
	switch len(hits) {
	case 0:
		return name, nil
	case 1:
		return "--" + hits[0], nil
	}
	return "", fmt.Errorf("curl flag %s may be --%s", name, strings.Join(hits[:min(len(hits), 3)], ", --"))
}

// curlNames are the long names that curl knows, so that one that is cut short means here
// what it means there.
var curlNames = strings.Fields(`
abstract-unix-socket alt-svc anyauth append aws-sigv4 basic cacert capath cert cert-status cert-type ciphers
compressed compressed-ssh config connect-timeout connect-to continue-at cookie cookie-jar create-dirs create-
file-mode crlf crlfile curves data data-ascii data-binary data-raw data-urlencode delegation digest disable
disable-eprt disable-epsv disallow-username-in-url dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-
cert-status doh-insecure doh-url dump-header egd-file engine etag-compare etag-save expect100-timeout fail
fail-early fail-with-body false-start form form-escape form-string ftp-account ftp-alternative-to-user ftp-
create-dirs ftp-method ftp-pasv ftp-port ftp-pret ftp-skip-pasv-ip ftp-ssl-ccc ftp-ssl-ccc-mode ftp-ssl-
control get globoff happy-eyeballs-timeout-ms haproxy-protocol head header help hostpubmd5 hostpubsha256 hsts
http0.9 http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only ignore-content-length include insecure
interface ipv4 ipv6 json junk-session-cookies keepalive-time key key-type krb libcurl limit-rate list-only
local-port location location-trusted login-options mail-auth mail-from mail-rcpt mail-rcpt-allowfails manual
max-filesize max-redirs max-time metalink negotiate netrc netrc-file netrc-optional next no-alpn no-buffer no-
clobber no-keepalive no-npn no-progress-meter no-sessionid noproxy ntlm ntlm-wb oauth2-bearer output output-
dir parallel parallel-immediate parallel-max pass path-as-is pinnedpubkey post301 post302 post303 preproxy
progress-bar proto proto-default proto-redir proxy proxy-anyauth proxy-basic proxy-cacert proxy-capath proxy-
cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-digest proxy-header proxy-insecure proxy-key proxy-key-
type proxy-negotiate proxy-ntlm proxy-pass proxy-pinnedpubkey proxy-service-name proxy-ssl-allow-beast proxy-
ssl-auto-client-cert proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-tlsv1 proxy-
user proxy1.0 proxytunnel pubkey quote random-file range rate raw referer remote-header-name remote-name
remote-name-all remote-time remove-on-error request request-target resolve retry retry-all-errors retry-
connrefused retry-delay retry-max-time sasl-authzid sasl-ir service-name show-error silent socks4 socks4a
socks5 socks5-basic socks5-gssapi socks5-gssapi-nec socks5-gssapi-service socks5-hostname speed-limit speed-
time ssl ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 sslv3 stderr
styled-output suppress-connect-headers tcp-fastopen tcp-nodelay telnet-option tftp-blksize tftp-no-options
time-cond tls-max tls13-ciphers tlsauthtype tlspassword tlsuser tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-
encoding trace trace-ascii trace-time unix-socket upload-file url url-query use-ascii user user-agent verbose
version write-out xattr
`)
