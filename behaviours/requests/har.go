package requests

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// harEntry is what we read of a request in a recording.
type harEntry struct {
	Request struct {
		Method   string                         `json:"method"`
		URL      string                         `json:"url"`
		Headers  []struct{ Name, Value string } `json:"headers"`
		PostData *struct {
			MimeType string     `json:"mimeType"`
			Text     string     `json:"text"`
			Encoding string     `json:"encoding"`
			Params   []harParam `json:"params"`
		} `json:"postData"`
	} `json:"request"`
	Response *struct {
		Status int `json:"status"`
	} `json:"response"`
	FromCache string `json:"_fromCache"` // of Chromium: disk, memory
}

// harParam is a field of a form whose body was not recorded as it was.
type harParam struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	FileName    string `json:"fileName"`
	ContentType string `json:"contentType"`
}

// FromHAR turns a recording of a browser (HTTP archive) into the text of a
// .http file: the requests one after the other, as they were made, byte by byte. Cookies are
// left out: each user gets its own. What was no request to a server is left out and counted
// at the top: data: and blob: addresses, WebSockets, extensions, what was blocked or came
// from the cache. A recorded redirect is not followed, for what it led to was recorded too.
// path is for the complaints.
func FromHAR(path, text string) (string, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	here := places(path, text)
	var har struct {
		Log struct {
			Entries []json.RawMessage `json:"entries"`
		} `json:"log"`
	}
	if err := json.Unmarshal([]byte(text), &har); err != nil {
		return "", harError(here, 0, "no HTTP archive", err)
	}
	if len(har.Log.Entries) == 0 {
		return "", here(0).errorf("no request in it: log.entries of an HTTP archive is expected")
	}
	var list []imported
	left := leftOut{}
	end := 0
	for i, raw := range har.Log.Entries {
		begin := end + max(strings.Index(text[end:], string(raw)), 0)
		end = begin + len(raw)
		entry := fmt.Sprintf("log.entries[%d]", i)
		var e harEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return "", harError(here, begin, entry, err)
		}
		q := e.Request
		u, err := url.Parse(q.URL)
		switch {
		case q.URL == "" || err != nil && !strings.Contains(q.URL, ":"):
			return "", here(begin).errorf("%s: URL %q is no address", entry, shorten(q.URL))
		case err != nil || u.Scheme != "http" && u.Scheme != "https":
			scheme, _, _ := strings.Cut(q.URL, ":")
			left.add("to a " + shorten(strings.ToValidUTF8(scheme, "?")) + ": address")
			continue
		case e.FromCache != "":
			left.add("answered by the browser's cache")
			continue
		case e.Response != nil && e.Response.Status == 0:
			left.add("blocked or without an answer")
			continue
		case strings.Trim(q.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" || q.Method == "":
			return "", here(begin).errorf("%s: method %q: capital letters are expected", entry, shorten(q.Method))
		}
		address, _, _ := strings.Cut(q.URL, "#")
		r := imported{at: here(begin), method: q.Method, url: address}
		r.stays = e.Response != nil && e.Response.Status >= 300 && e.Response.Status < 400 && e.Response.Status != 304
		for _, h := range q.Headers {
			name, value := strings.TrimSpace(h.Name), strings.TrimSpace(h.Value)
			switch strings.ToLower(name) {
			case "host", "content-length", "connection", "keep-alive", "transfer-encoding", "cookie", "accept-encoding":
				continue
			}
			switch {
			case strings.HasPrefix(name, ":") || value == "":
			case !sendable(name, value):
				r.notes = append(r.notes, "left out: a header that cannot be sent, "+strconv.QuoteToASCII(shorten(name)))
			default:
				r.headers = append(r.headers, [2]string{name, value})
			}
		}
		if q.PostData != nil {
			p := q.PostData
			r.body = p.Text
			if p.Encoding == "base64" {
				b, err := base64.StdEncoding.DecodeString(r.body)
				if err != nil {
					return "", r.at.errorf("%s: a body that is no base64", entry)
				}
				r.body = string(b)
			}
			kind := strings.TrimSpace(p.MimeType)
			if r.header("Content-Type") == "" && kind != "" && sendable("Content-Type", kind) {
				r.headers = append(r.headers, [2]string{"Content-Type", kind})
			}
			if r.body == "" && len(p.Params) > 0 {
				if err := r.fromParams(p.Params); err != nil {
					return "", r.at.errorf("%s: %v", entry, err)
				}
			}
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		return "", here(0).errorf("no request to a server in it: %s", left)
	}
	out, err := write(list)
	if err == nil && len(left) > 0 {
		out = "# left out: " + escaped(left.String()) + "\n" + out
	}
	return out, err
}

// leftOut counts what is left out, by why.
type leftOut map[string]int

func (l leftOut) add(why string) { l[why]++ }

// String is "3 to a data: address, 1 answered by the browser's cache".
func (l leftOut) String() string {
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(l)) {
		parts = append(parts, fmt.Sprintf("%d %s", l[why], why))
	}
	return strings.Join(parts, ", ")
}

// fromParams makes the body of a form of which only the fields were recorded.
func (r *imported) fromParams(params []harParam) error {
	kind := r.header("Content-Type")
	if !strings.HasPrefix(strings.ToLower(kind), "multipart/form-data") {
		var fields []string
		for _, p := range params {
			fields = append(fields, field(p.Name)+"="+field(p.Value))
		}
		r.body = strings.Join(fields, "&")
		return nil
	}
	_, settings, err := mime.ParseMediaType(kind)
	if err != nil || settings["boundary"] == "" {
		return errors.New("a form of several parts, of which neither the body nor the boundary was recorded: record it with its contents")
	}
	var b strings.Builder
	for _, p := range params {
		if p.FileName != "" && p.Value == "" {
			return fmt.Errorf("a form with the file %s in it, whose content was not recorded: record it with its contents", strconv.QuoteToASCII(shorten(p.FileName)))
		}
		b.WriteString("--" + settings["boundary"] + "\r\nContent-Disposition: form-data; name=\"" + quotedName(p.Name) + "\"")
		if p.FileName != "" {
			b.WriteString("; filename=\"" + quotedName(p.FileName) + "\"")
		}
		if p.ContentType != "" && sendable("Content-Type", p.ContentType) {
			b.WriteString("\r\nContent-Type: " + p.ContentType)
		}
		b.WriteString("\r\n\r\n" + p.Value + "\r\n")
	}
	b.WriteString("--" + settings["boundary"] + "--\r\n")
	r.body = b.String()
	return nil
}

// field is a name or a value of a form as it is sent. Browsers record them as they are sent
// or as they are read; what holds only what may be sent is taken as it is.
func field(s string) string {
	for i := range len(s) {
		c := s[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("*-._+%", c) >= 0
		if !ok || c == '%' && !escape.MatchString(s[i:]) {
			return url.QueryEscape(s)
		}
	}
	return s
}

var escape = regexp.MustCompile(`^%[0-9A-Fa-f]{2}`)

// harError says where in the text that begins at from the JSON is wrong.
func harError(here func(int) place, from int, what string, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return here(from+int(syntax.Offset)-1).errorf("%s: %v", what, err)
	case errors.As(err, &kind) && kind.Field != "":
		return here(from+int(kind.Offset)-1).errorf("%s: %s cannot be of type %s", what, kind.Field, kind.Value)
	case errors.As(err, &kind):
		return here(from+int(kind.Offset)-1).errorf("%s: an object is expected, not %s", what, kind.Value)
	}
	return here(from).errorf("%s: %v", what, err)
}
