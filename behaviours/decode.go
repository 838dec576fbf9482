package behaviours

import (
	"errors"
	"fmt"
	"math"

	"tload/stats"
)

// decode takes the content codings off a body. One that grows beyond the limit
// is refused: it may be made to.
func decode(contentEncoding string, body []byte, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = defaultMaxBody
	}
	out, undone := stats.Unpack(contentEncoding, body, int(min(limit, math.MaxInt-1)))
	for _, u := range undone {
		if errors.Is(u.Err, stats.ErrUnpacksTooLong) {
			return nil, fmt.Errorf("cannot decode the body: %s: more than %d bytes", u.Coding, limit)
		}
		if u.Err != nil {
			return nil, fmt.Errorf("cannot decode the body: %s: %w", u.Coding, u.Err)
		}
	}
	return out, nil
}
