package exchange

import (
	"bytes"
	"mime"
	"net/textproto"
	"strings"
)

// multipart masks the secret fields of a multipart form; the rest stays byte
// for byte. The boundary is the one of the Content-Type header.
func (m *Masker) multipart(body []byte, boundary string) []byte {
	delimiter := []byte("--" + boundary)
	var out []byte
	for i, part := range bytes.Split(body, delimiter) {
		if i > 0 {
			out = append(out, delimiter...)
		}
		head, value, ok := bytes.Cut(part, []byte("\r\n\r\n"))
		if i == 0 || !ok || !m.Secret(fieldName(head)) {
			out = append(out, part...)
			continue
		}
		out = append(append(out, head...), "\r\n\r\n"...)
		text := bytes.TrimSuffix(value, []byte("\r\n"))
		out = append(append(out, m.hide(string(text))...), value[len(text):]...)
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
