package tui

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tload/stats"
)

// mostDecoded bounds what a body may unpack to: a few kilobytes can hold
// gigabytes of zeros.
const mostDecoded = 32 << 20

// Decode is the body of a part as the errors view shows it, without its content
// codings, and what was done to it: "gzip 49 → 31 B". The note is empty if
// nothing was.
func Decode(p stats.Part) (body []byte, note string) {
	return decode(p.Body, headerOf(p.Head, "Content-Encoding"), mostDecoded)
}

// decode undoes content codings, the last applied first, up to most bytes, and
// says what it did.
// What a coding cannot give back, because it breaks off or is not what it says,
// ends the text there and is said too.
func decode(body []byte, coding string, most int) (out []byte, note string) {
	out = body
	var names []string
	for _, c := range strings.Split(coding, ",") {
		if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
			names = append(names, clean(c))
		}
	}
	var notes []string
	for i := len(names) - 1; i >= 0 && i >= len(names)-4; i-- {
		name, before := names[i], len(out)
		if before == 0 {
			break
		}
		r, err := decoder(name, out)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s: %s, shown as it came", name, clean(err.Error())))
			break
		}
		got, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
		if c, ok := r.(io.Closer); ok {
			c.Close()
		}
		if len(got) == 0 && err != nil {
			notes = append(notes, fmt.Sprintf("not %s: shown as it came", name))
			break
		}
		n := fmt.Sprintf("%s %s → %s B", name, thousands(before), thousands(len(got)))
		switch {
		case len(got) > most:
			got = got[:most]
			n = fmt.Sprintf("%s %s → over %s, the rest is not unpacked", name, thousands(before), size(float64(most)))
		case errors.Is(err, io.ErrUnexpectedEOF):
			n += ", breaks off"
		case err != nil:
			n += ", then damaged"
		}
		out = got
		notes = append(notes, n)
	}
	return out, strings.Join(notes, ", ")
}

func decoder(name string, b []byte) (io.Reader, error) {
	in := bytes.NewReader(b)
	switch name {
	case "gzip", "x-gzip":
		return gzip.NewReader(in)
	case "deflate":
		// The standard means zlib; many servers send the bare stream.
		if r, err := zlib.NewReader(in); err == nil {
			return r, nil
		}
		return flate.NewReader(bytes.NewReader(b)), nil
	case "br":
		return brotli.NewReader(in), nil
	case "zstd":
		d, err := zstd.NewReader(in, zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, errors.New("unknown content coding")
}

// isBinary says that a body is better shown as hex: it has a NUL, or more than
// one byte in ten is a control character or no UTF-8.
func isBinary(b []byte) bool {
	b = b[:min(len(b), 8<<10)]
	if len(b) == 0 {
		return false
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return true
	}
	odd := 0
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			odd++
		}
	}
	for _, r := range string(b[:max(len(b)-3, 0)]) {
		if r == 0xfffd {
			odd++
		}
	}
	return odd*10 > len(b)
}

// latin1 is bytes of a one-byte charset as UTF-8.
func latin1(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		out = append(out, string(rune(c))...)
	}
	return out
}

// hexLine is sixteen bytes of b from at, as hex and as text.
func hexLine(b []byte, at int) string {
	const digits = "0123456789abcdef"
	row := b[at:min(at+16, len(b))]
	line := make([]byte, 0, 80)
	line = fmt.Appendf(line, "%08x  ", at)
	for i := range 16 {
		if i == 8 {
			line = append(line, ' ')
		}
		if i < len(row) {
			line = append(line, digits[row[i]>>4], digits[row[i]&15], ' ')
		} else {
			line = append(line, "   "...)
		}
	}
	line = append(line, ' ')
	for _, c := range row {
		if c < 0x20 || c > 0x7e {
			c = '.'
		}
		line = append(line, c)
	}
	return string(line)
}
