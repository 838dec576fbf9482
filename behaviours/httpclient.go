package behaviours

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"tload/stats"
)

// HTTPClient is this client in the shape of net/http, for libraries that want
// one: what goes through it is sent over the user's connections and recorded
// as everything else, each redirect as a request of its own. Rows are named by
// the URL's path. A status is never an error here, but 400 and above is
// counted as a failure. Like the client it is for the user's own goroutine.
func (c *Client) HTTPClient() *http.Client { return &http.Client{Transport: roundTripper{c}} }

type roundTripper struct{ c *Client }

// RoundTrip sends one request.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	opts := []Option{Name(req.URL.Path), NoRedirect()}
	for name, values := range req.Header {
		for _, v := range values {
			opts = append(opts, Header(name, v))
		}
	}
	if req.Host != "" && req.Host != req.URL.Host {
		opts = append(opts, Header("Host", req.Host))
	}
	r, err := t.c.Do(req.Context(), req.Method, req.URL.String(), body, opts...)
	if r.Status == 0 {
		return nil, err
	}
	var failed *RequestError
	if errors.As(err, &failed) && failed.Kind != stats.HTTP {
		return nil, err
	}
	return r.standard(req), nil
}

// standard is the response as net/http has it, with memory of its own.
func (r *Response) standard(req *http.Request) *http.Response {
	body, _ := r.Decode()
	res := &http.Response{
		Status: fmt.Sprint(r.Status, " ", r.Reason()), StatusCode: r.Status,
		Proto: fmt.Sprint("HTTP/1.", r.reply.Minor), ProtoMajor: 1, ProtoMinor: r.reply.Minor,
		Header: make(http.Header), Request: req, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(bytes.Clone(body))),
	}
	for name, value := range r.Headers {
		res.Header.Add(name, value)
	}
	if r.reply.Encoded {
		res.Header.Del("Content-Encoding")
		res.Header.Set("Content-Length", strconv.Itoa(len(body)))
		res.Uncompressed = true
	}
	return res
}
