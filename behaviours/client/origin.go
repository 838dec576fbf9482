package client

import (
	"encoding/base64"
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// origin is a server that requests go to: what a connection belongs to, and
// what all requests over it have in common. There is one of each in a
// Transport, so that they compare by address.
type origin struct {
	secure bool
	unix   string // path of a socket; then host is only for the header
	host   string // without port
	port   string
	header string // the Host header
	user   *url.Userinfo

	fields []Field // headers of every request, in order
	block  []byte  // the same, rendered
	typed  bool    // there is a Content-Type among them

	cookies    string // that every request has beside those of the jar
	cookieless bool   // no request has the jar's
}

// key is the part of the URL that makes an origin, with the user's name and
// password, which are sent with every request.
func originKey(u *url.URL) string {
	if u.Scheme == "unix" {
		return "unix:" + u.Path + u.Opaque
	}
	return u.Scheme + "://" + u.User.String() + "@" + strings.ToLower(u.Host)
}

func (t *Transport) newOrigin(u *url.URL) *origin {
	o := &origin{secure: u.Scheme == "https", host: u.Hostname(), port: u.Port()}
	if u.Scheme == "unix" {
		o.unix, o.host, o.header = u.Path+u.Opaque, "localhost", "localhost"
	} else {
		if ascii, err := idna.Lookup.ToASCII(o.host); err == nil {
			o.host = ascii
		}
		host, _, _ := strings.Cut(o.host, "%") // a zone is of this machine only
		o.header = host
		if strings.Contains(host, ":") {
			o.header = "[" + host + "]"
		}
		if o.port != "" && o.port != o.defaultPort() {
			o.header = net.JoinHostPort(host, o.port)
		}
		if o.port == "" {
			o.port = o.defaultPort()
		}
	}
	o.fields = []Field{
		{"Host", o.header},
		{"User-Agent", "tload"},
		{"Accept", "*/*"},
		{"Accept-Encoding", "gzip, deflate, br, zstd"},
	}
	o.user = u.User
	if u.User != nil {
		o.fields = append(o.fields, Field{"Authorization", basicAuth(u.User)})
	}
	if t.proxyAuth != "" && !o.secure {
		o.fields = append(o.fields, Field{"Proxy-Authorization", t.proxyAuth})
	}
	if t.options.NoKeepalive {
		o.fields = append(o.fields, Field{"Connection", "close"})
	}
	var own []Field
	for _, f := range t.options.Header {
		switch {
		case !strings.EqualFold(f.Name, "Cookie"):
			own = append(own, f)
		case f.Value == "":
			o.cookieless = true
		default:
			o.cookies = alsoCookies(o.cookies, f.Value)
		}
	}
	o.fields = withOwn(o.fields, own)
	for _, f := range o.fields {
		o.block = appendField(o.block, f.Name, f.Value)
		o.typed = o.typed || strings.EqualFold(f.Name, "Content-Type")
	}
	t.options.Masker.Head(o.block) // so that what is secret in it is known
	return o
}

// withOwn is the default headers with the user's own, which stand in the place
// of the default of that name, or behind all; a name that is given twice stays
// twice. An empty value takes the default away.
func withOwn(defaults, own []Field) (fields []Field) {
	named := func(name string) func(Field) bool {
		return func(f Field) bool { return strings.EqualFold(f.Name, name) }
	}
	for _, d := range defaults {
		if !slices.ContainsFunc(own, named(d.Name)) {
			fields = append(fields, d)
			continue
		}
		for _, f := range own {
			if f.Value != "" && named(d.Name)(f) {
				fields = append(fields, f)
			}
		}
	}
	for _, f := range own {
		if f.Value != "" && !slices.ContainsFunc(defaults, named(f.Name)) {
			fields = append(fields, f)
		}
	}
	return fields
}

func (o *origin) defaultPort() string {
	if o.secure {
		return "443"
	}
	return "80"
}

// url is the whole URL of a path that stands in a request line.
func (o *origin) url(path string) string {
	switch {
	case o.unix != "":
		return "unix:" + o.unix + path
	case o.secure:
		return "https://" + o.header + path
	}
	return "http://" + o.header + path
}

func basicAuth(u *url.Userinfo) string {
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// appendTarget appends a path as a request line may have it: what no URL can
// contain (blanks, control characters, bytes beyond ASCII) is escaped, and a
// fragment is left off.
func appendTarget(b []byte, path string) []byte {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '#' {
			break
		}
		if c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' {
			b = append(b, c)
			continue
		}
		const hex = "0123456789ABCDEF"
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	return b
}
