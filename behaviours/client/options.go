package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"

	"tload/stats/exchange"
)

// Options are the settings of the HTTP client that all users of a run share.
// The zero value of each field is its default.
type Options struct {
	// Host is the base URL that paths are appended to: http://, https://, or
	// unix:/path of a socket. A missing scheme is http.
	Host string
	// AnyScheme lets Host be of another protocol, postgres:// or so: its users know what
	// to do with it, and no path is below it.
	AnyScheme bool

	Timeout        time.Duration // of a whole request; 0 is 30 s, below 0 none
	ConnectTimeout time.Duration // of DNS, connect and TLS together; 0 is 10 s
	MaxBody        int64         // a longer reply is a failure; 0 is 64 MiB
	CaptureBody    int           // bytes kept of a failing body; 0 is 256 KiB, below 0 none

	HTTP2 bool // HTTP/2, over TLS by ALPN, otherwise with prior knowledge
	HTTP3 bool

	Header      []Field           // sent with every request, in this order
	Proxy       string            // http://[user:password@]host:port for every request
	Resolve     map[string]string // HOST or HOST:PORT to the address, with or without port, to connect to instead
	Bind        []netip.Addr      // source addresses, used in turn
	NoFollow    bool              // redirects are replies like any other
	NoKeepalive bool              // a connection for every request

	// Masker keeps secrets out of names and messages, and knows which headers are
	// not for another host; nil knows the usual names.
	Masker *exchange.Masker

	Insecure bool   // any certificate will do
	CAFile   string // PEM; instead of the system's
	CertFile string // PEM; the client's certificate
	KeyFile  string // its key, if it is not in CertFile
}

// Field is a header.
type Field struct{ Name, Value string }

// Defaults of Options.
const (
	defaultTimeout        = 30 * time.Second
	defaultConnectTimeout = 10 * time.Second
	defaultMaxBody        = 64 << 20
	defaultCaptureBody    = 256 << 10
)

func (o *Options) setDefaults() {
	if o.Masker == nil {
		o.Masker = exchange.NewMasker()
	}
	switch {
	case o.Timeout == 0:
		o.Timeout = defaultTimeout
	case o.Timeout < 0:
		o.Timeout = 0
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = defaultConnectTimeout
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	switch {
	case o.CaptureBody == 0:
		o.CaptureBody = defaultCaptureBody
	case o.CaptureBody < 0:
		o.CaptureBody = 0
	}
}

// base is Host as a URL; nil if there is no host.
func (o *Options) base() (*url.URL, error) {
	if o.Host == "" {
		return nil, nil
	}
	host := o.Host
	if !strings.Contains(host, "://") && !strings.HasPrefix(host, "unix:") {
		host = "http://" + host
	}
	u, err := url.Parse(host)
	if err == nil && o.AnyScheme && u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "unix" {
		return nil, nil
	}
	if err == nil {
		err = checkOrigin(u)
	}
	if err == nil && (u.RawQuery != "" || u.Fragment != "") {
		err = fmt.Errorf("a base URL has no query")
	}
	if err != nil {
		return nil, fmt.Errorf("bad --host %q: %w (try http://localhost:5000)", o.Masker.URL(o.Host), masked(o.Masker, o.Host, err))
	}
	return u, nil
}

// checkOrigin says what is wrong with the part of a URL that is not the path.
func checkOrigin(u *url.URL) error {
	switch u.Scheme {
	case "http", "https":
		if u.Hostname() == "" {
			return fmt.Errorf("no host in it")
		}
		if p := u.Port(); p != "" {
			if _, err := net.LookupPort("tcp", p); err != nil {
				return fmt.Errorf("bad port %q", p)
			}
		}
	case "unix":
		if u.Path == "" && u.Opaque == "" {
			return fmt.Errorf("no path of a socket in it")
		}
	case "":
		return fmt.Errorf("no http:// or https:// in front")
	default:
		return fmt.Errorf("scheme %q is neither http, https nor unix", u.Scheme)
	}
	return nil
}

// masked is plain without the secrets of the URL that is wrong: a password with
// a '/' in it is taken for a port, and quoted.
func masked(m *exchange.Masker, u string, err error) error {
	if why := plain(err).Error(); m.Masks() && m.URL(u) != u && strings.ContainsRune(why, '"') {
		return errors.New("it cannot be parsed")
	}
	return plain(err)
}

// plain takes the repetition of the input out of url.Parse's errors.
func plain(err error) error {
	if e, ok := err.(*url.Error); ok {
		return e.Err
	}
	return err
}

func (o *Options) proxy() (*url.URL, error) {
	if o.Proxy == "" {
		return nil, nil
	}
	raw := o.Proxy
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
	case u.Scheme != "http":
		err = fmt.Errorf("only http:// proxies are supported")
	default:
		err = checkOrigin(u)
	}
	if err != nil {
		return nil, fmt.Errorf("bad --proxy %q: %w (try http://127.0.0.1:3128)", o.Masker.URL(o.Proxy), masked(o.Masker, o.Proxy, err))
	}
	return u, nil
}

// resolved checks Resolve and returns it with its keys as origins have them: in
// lower case, and in ASCII.
func (o *Options) resolved() (map[string]string, error) {
	m := make(map[string]string, len(o.Resolve))
	for host, to := range o.Resolve {
		addr, ports := to, []string{}
		if h, p, err := net.SplitHostPort(to); err == nil {
			addr, ports = h, append(ports, p)
		}
		if _, p, err := net.SplitHostPort(host); err == nil {
			ports = append(ports, p)
		}
		if _, err := netip.ParseAddr(strings.Trim(addr, "[]")); err != nil || host == "" {
			return nil, fmt.Errorf("bad --resolve %q: %q is no address (try example.com:127.0.0.1)", host+":"+to, addr)
		}
		for _, p := range ports {
			if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
				return nil, fmt.Errorf("bad --resolve %q: bad port %q (try example.com:443:127.0.0.1:8443)", host+":"+to, p)
			}
		}
		name, port, cut := strings.Cut(host, ":")
		if ascii, err := idna.Lookup.ToASCII(name); err == nil && cut {
			host = ascii + ":" + port
		} else if err == nil {
			host = ascii
		}
		m[strings.ToLower(host)] = to
	}
	return m, nil
}

func checkHeader(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("bad header name %q (try X-Name: value)", name)
	case !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("bad value for header %s: it has a control character", name)
	case strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "Transfer-Encoding"):
		return fmt.Errorf("header %s is the client's to set: it follows from the body", name)
	}
	return nil
}

// tlsConfig reads the certificates.
func (o *Options) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{InsecureSkipVerify: o.Insecure}
	if o.KeyFile != "" && o.CertFile == "" {
		return nil, fmt.Errorf("--key goes with --cert, the certificate that it is the key of")
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("bad --cacert: %w (a file of certificates in PEM is expected)", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("bad --cacert: no certificate in %s (PEM is expected)", o.CAFile)
		}
	}
	if o.CertFile != "" {
		key := o.KeyFile
		if key == "" {
			key = o.CertFile
		}
		cert, err := tls.LoadX509KeyPair(o.CertFile, key)
		if err != nil {
			hint := ""
			if o.KeyFile == "" {
				hint = " (--key names the file of its key)"
			}
			return nil, fmt.Errorf("bad --cert %s: %w%s", o.CertFile, err, hint)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}
