package stats

import (
	"bytes"
	"mime"
	"net/textproto"
	"strings"
)

// MaskMultipart puts what mask makes of them in the place of the values of
// those fields of a multipart form that are secret; the rest stays byte for
// byte. The boundary is the one of the Content-Type header.
func MaskMultipart(body []byte, boundary string, secret func(field string) bool, mask func(value string) string) []byte {
	delimiter := []byte("--" + boundary)
	var out []byte
	for i, part := range bytes.Split(body, delimiter) {
		if i > 0 {
			out = append(out, delimiter...)
		}
		head, value, ok := bytes.Cut(part, []byte("\r\n\r\n"))
		if i == 0 || !ok || !secret(fieldName(head)) {
			out = append(out, part...)
			continue
		}
		out = append(append(out, head...), "\r\n\r\n"...)
		text := bytes.TrimSuffix(value, []byte("\r\n"))
		out = append(append(out, mask(string(text))...), value[len(text):]...)
	}
	return out
}

// fieldName is the name of the form field whose headers these are.
func fieldName(head []byte) string {
	for line := range strings.Lines(string(head)) {
		name, value, _ := strings.Cut(line, ":")
		if textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)) == "Content-Disposition" {
			_, params, _ := mime.ParseMediaType(strings.TrimSpace(value))
			return params["name"]
		}
	}
	return ""
}
