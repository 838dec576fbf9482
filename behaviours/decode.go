package behaviours

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// decode takes the content codings off a body, the last one first. A body
// that grows beyond the limit is refused: it may be made to.
func decode(codings []string, body []byte, limit int64) ([]byte, error) {
	for i := len(codings) - 1; i >= 0; i-- {
		r, err := decoder(codings[i], body)
		if err != nil {
			return nil, fmt.Errorf("cannot decode the body: %s: %w", codings[i], err)
		}
		if r == nil {
			continue
		}
		if limit <= 0 {
			limit = defaultMaxBody
		}
		body, err = io.ReadAll(io.LimitReader(r, limit+1))
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("cannot decode the body: %s: %w", codings[i], err)
		}
		if int64(len(body)) > limit {
			return nil, fmt.Errorf("cannot decode the body: %s: more than %d bytes", codings[i], limit)
		}
	}
	return body, nil
}

// decoder reads one coding; nil if there is nothing to do.
func decoder(coding string, body []byte) (io.ReadCloser, error) {
	in := bytes.NewReader(body)
	switch coding {
	case "", "identity":
		return nil, nil
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
