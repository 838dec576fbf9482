package requests

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// harEntry is what we read of a request in a recording.
type harEntry struct {
	Request struct {
		Method   string                         `json:"method"`
		URL      string                         `json:"url"`
		Headers  []struct{ Name, Value string } `json:"headers"`
		PostData *struct {
			MimeType string `json:"mimeType"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"postData"`
	} `json:"request"`
}

// FromHAR turns a recording of a browser (HTTP archive) into the text of a
// .http file: the requests one after the other, as they were made. Cookies are
// left out: each user gets its own; path is for the complaints.
func FromHAR(path, text string) (string, error) {
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
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return "", here(begin).errorf("%s: URL %q is neither http nor https", entry, shorten(q.URL))
		}
		r := imported{at: here(begin), method: q.Method, url: q.URL}
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
					return "", r.at.errorf("%s: a body that is no base64", entry)
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
