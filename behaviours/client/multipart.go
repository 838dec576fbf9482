package client

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"
)

// Form is the body of a multipart/form-data request: what a page with a file in its form
// sends. Fields and then files go in the order in which they stand.
type Form struct {
	Fields []Field
	Files  []File
}

// File is a file of a Form.
type File struct {
	Field, Name string // of the form, and of the file
	ContentType string // application/octet-stream if it is empty
	Body        []byte
}

// PostMultipart sends the form.
func (c *Client) PostMultipart(ctx context.Context, path string, form Form, opts ...Option) (*Response, error) {
	contentType, body, err := form.encode()
	if err != nil {
		return new(Response), fmt.Errorf("POST %s: %w", path, err)
	}
	return c.send(ctx, "POST", path, contentType, body, opts)
}

func (f *Form) encode() (contentType string, body []byte, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, field := range f.Fields {
		if err := w.WriteField(field.Name, field.Value); err != nil {
			return "", nil, err
		}
	}
	for _, file := range f.Files {
		if strings.ContainsAny(file.ContentType, "\r\n") {
			return "", nil, fmt.Errorf("file %q: its content type has a line break in it", file.Name)
		}
		head := textproto.MIMEHeader{}
		head.Set("Content-Disposition", multipart.FileContentDisposition(file.Field, file.Name))
		head.Set("Content-Type", orText(file.ContentType, "application/octet-stream"))
		part, err := w.CreatePart(head)
		if err != nil {
			return "", nil, err
		}
		if _, err := part.Write(file.Body); err != nil {
			return "", nil, err
		}
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return w.FormDataContentType(), b.Bytes(), nil
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
