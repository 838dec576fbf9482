package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tload/behaviours"
	"tload/behaviours/requests"
	"tload/stats"
)

// target finds out what the arguments and --host name: the base URL and, where
// there are paths or URLs, their behaviour.
func (s *settings) target(own []behaviours.Behaviour) ([]behaviours.Behaviour, error) {
	if err := s.takeSocket(); err != nil {
		return nil, err
	}
	paths := s.args
	for i, arg := range paths {
		u, err := url.Parse(arg)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		// The first URL gives the host; those of the same one become paths.
		base := u.Scheme + "://" + u.Host
		if u.User != nil {
			base = u.Scheme + "://" + u.User.String() + "@" + u.Host
		}
		if s.host == "" {
			s.host = base
		}
		if s.host == base {
			paths[i] = u.RequestURI()
		}
	}
	if len(paths) > 0 {
		b, err := requests.Paths(paths)
		if err != nil {
			return nil, misuse{err}
		}
		return []behaviours.Behaviour{b}, nil
	}
	if len(own) > 0 {
		if s.host == "" {
			for _, b := range own {
				if b.Host != "" {
					s.host = b.Host
					break
				}
			}
		}
		return own, nil
	}
	b, err := requests.Paths([]string{"/"})
	return []behaviours.Behaviour{b}, err
}

// takeSocket makes an argument such as unix:/run/web.sock the host. It is no
// request itself, for it has no path; alone it stands for the root.
func (s *settings) takeSocket() error {
	var paths []string
	for _, arg := range s.args {
		switch {
		case !strings.HasPrefix(arg, "unix:"):
			paths = append(paths, arg)
		case s.host != "" && s.host != arg:
			return misuse{fmt.Errorf("%s and %s: one host is expected, and paths below it", s.shownHost(), s.masker.URL(arg))}
		default:
			s.host = arg
		}
	}
	if len(s.args) > 0 && len(paths) == 0 {
		paths = []string{"/"}
	}
	s.args = paths
	return nil
}

// shownHost is the host for screens, files and the log: without the password of
// its URL, unless that is asked for.
func (s *settings) shownHost() string {
	if strings.Contains(s.host, "://") {
		return s.masker.URL(s.host)
	}
	return strings.TrimPrefix(s.masker.URL("http://"+s.host), "http://")
}

// options are the HTTP client's.
func (s *settings) options() (behaviours.Options, error) {
	o := behaviours.Options{
		Host: s.host, AnyScheme: s.inside, Timeout: time.Duration(s.timeout), ConnectTimeout: time.Duration(s.connectTimeout), CaptureBody: int(s.body),
		Masker: s.masker, HTTP2: s.http2, HTTP3: s.http3, Proxy: s.proxy, NoFollow: s.noFollow, NoKeepalive: s.noKeepalive,
		Insecure: s.insecure, CAFile: s.caFile, CertFile: s.certFile, KeyFile: s.keyFile,
	}
	if s.body == 0 {
		o.CaptureBody = -1
	}
	if s.timeout == 0 {
		o.Timeout = -1
	}
	if s.connectTimeout == 0 {
		return o, misuse{errors.New("--connect-timeout 0: a duration above 0 is expected, such as 10s")}
	}
	for _, h := range s.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return o, misuse{fmt.Errorf("--header %s…: a name and a value with a colon between them are expected, such as 'X-Name: value'", strconv.Quote(strings.Fields(h + " -")[0]))} // the rest may be a secret
		}
		o.Header = append(o.Header, behaviours.Field{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	for _, r := range s.resolve {
		host, addr, err := cutResolve(r)
		if err != nil {
			return o, misuse{err}
		}
		if o.Resolve == nil {
			o.Resolve = map[string]string{}
		}
		o.Resolve[host] = addr
	}
	for _, b := range s.bind {
		a, err := netip.ParseAddr(b)
		if err != nil {
			return o, misuse{fmt.Errorf("--bind %q: an address of this machine is expected, such as 127.0.0.2", b)}
		}
		// TCP's ports may all be held by connections of the run before.
		l, err := net.ListenPacket("udp", net.JoinHostPort(a.String(), "0"))
		if err != nil {
			return o, misuse{fmt.Errorf("--bind %s is no address of this machine", b)}
		}
		l.Close()
		o.Bind = append(o.Bind, a.Unmap())
	}
	return o, nil
}

// cutResolve takes HOST:ADDR and HOST:PORT:ADDR apart.
func cutResolve(text string) (host, addr string, err error) {
	host, addr, ok := strings.Cut(text, ":")
	if port, rest, more := strings.Cut(addr, ":"); more && isPort(port) && !strings.HasPrefix(rest, ":") {
		host, addr = net.JoinHostPort(host, port), rest
	}
	if !ok || host == "" || addr == "" {
		return "", "", fmt.Errorf("--resolve %q: HOST:ADDR is expected, such as example.com:127.0.0.1", text)
	}
	return host, addr, nil
}

func isPort(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// choose leaves those behaviours that are asked for, in the order in which they are.
func (s *settings) choose(list []behaviours.Behaviour) ([]behaviours.Behaviour, error) {
	var names []string
	for _, b := range list {
		names = append(names, b.Name)
	}
	for _, name := range slices.Concat(s.only, s.without) {
		if slices.Contains(names, name) {
			continue
		}
		if best := stats.Nearest(name, names); best != "" {
			return nil, misuse{fmt.Errorf("unknown behaviour %q (did you mean %q?)", name, best)}
		}
		return nil, misuse{fmt.Errorf("unknown behaviour %q (tload --list shows them)", name)}
	}
	asked := names
	if len(s.only) > 0 {
		asked = s.only
	}
	var out []behaviours.Behaviour
	for _, name := range asked {
		if !slices.Contains(s.without, name) {
			out = append(out, list[slices.Index(names, name)])
		}
	}
	if len(out) == 0 && len(list) > 0 {
		return nil, misuse{errors.New("--exclude-behaviours leaves none of those that there are")}
	}
	return out, nil
}
