package exchange

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Unpacked is what became of one content coding of a body.
type Unpacked struct {
	Coding        string
	Before, After int   // bytes
	Err           error // why there is no more; After is 0 if the body is still as it was
}

// ErrUnpacksTooLong is the end of a body that unpacks to more than it may: a few
// kilobytes can hold gigabytes of zeros.
var ErrUnpacksTooLong = errors.New("unpacks to too much")

// maxCodings is how many codings are undone: nobody means more.
const maxCodings = 4

// Unpack takes the content codings of a Content-Encoding header off a body, the
// last applied first, and says of each what became of it. A body that breaks off,
// or goes on beyond most bytes, is unpacked as far as it goes.
func Unpack(contentEncoding string, body []byte, most int) (out []byte, codings []Unpacked) {
	names := codingNames(contentEncoding)
	out = body
	for i := len(names) - 1; i >= 0 && len(out) > 0; i-- {
		u := Unpacked{Coding: names[i], Before: len(out)}
		if len(codings) == maxCodings {
			u.Err = fmt.Errorf("more than %d content codings", maxCodings)
			return out, append(codings, u)
		}
		got, err := unpack(names[i], out, most)
		u.After, u.Err = len(got), err
		codings = append(codings, u)
		if len(got) == 0 && err != nil {
			break
		}
		out = got
	}
	return out, codings
}

// UnpackAll is Unpack for who wants the whole body or none: the error says which
// coding could not be undone. A body that grows beyond most bytes is refused: it
// may be made to.
func UnpackAll(contentEncoding string, body []byte, most int64) ([]byte, error) {
	out, undone := Unpack(contentEncoding, body, int(min(most, math.MaxInt-1)))
	for _, u := range undone {
		if errors.Is(u.Err, ErrUnpacksTooLong) {
			return nil, fmt.Errorf("cannot decode the body: %s: more than %d bytes", u.Coding, most)
		}
		if u.Err != nil {
			return nil, fmt.Errorf("cannot decode the body: %s: %w", u.Coding, u.Err)
		}
	}
	return out, nil
}

// codingNames are the codings of a Content-Encoding in the order in which they
// were applied.
func codingNames(contentEncoding string) (names []string) {
	for c := range strings.SplitSeq(contentEncoding, ",") {
		if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
			names = append(names, c)
		}
	}
	return names
}

func unpack(coding string, body []byte, most int) ([]byte, error) {
	r, err := unpacker(coding, body)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if len(out) > most {
		return out[:most], ErrUnpacksTooLong
	}
	return out, err
}

func unpacker(coding string, body []byte) (io.ReadCloser, error) {
	in := bytes.NewReader(body)
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(in)
	case "deflate":
		// By the standard it is zlib's format; some servers send it bare.
		if r, err := zlib.NewReader(in); err == nil {
			return r, nil
		}
		return flate.NewReader(bytes.NewReader(body)), nil
	case "br":
		return io.NopCloser(brotli.NewReader(in)), nil
	case "zstd":
		r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, err
		}
		return r.IOReadCloser(), nil
	}
	return nil, errors.New("unknown content coding")
}

// pack applies the codings that Unpack has undone.
func pack(body []byte, undone []Unpacked) []byte {
	for i := len(undone) - 1; i >= 0; i-- {
		if undone[i].After == 0 {
			continue
		}
		var b bytes.Buffer
		var w io.WriteCloser
		switch undone[i].Coding {
		case "gzip", "x-gzip":
			w = gzip.NewWriter(&b)
		case "deflate":
			w = zlib.NewWriter(&b)
		case "br":
			w = brotli.NewWriter(&b)
		case "zstd":
			w, _ = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1)) // it has no bad option
		}
		w.Write(body)
		w.Close()
		body = b.Bytes()
	}
	return body
}
