// Package sse reads server-sent events, as token streams of language models
// are: the time to the first event and the gaps between events have rows of
// their own.
//
//	err := sse.Get(ctx, u, "http://127.0.0.1:8080/events", func(e sse.Event) error {
//		if e.Data == "[DONE]" {
//			return sse.Done
//		}
//		return nil
//	})
package sse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"tload/behaviours"
	"tload/stats"
)

// Event is one event of a stream.
type Event struct {
	ID, Type, Data string
}

// Done is returned by a receiver that has seen enough.
var Done = errors.New("enough events")

// Get opens a stream and hands each event to receive until the server ends the
// stream, receive returns Done, or ctx ends. Rows: "sse PATH first event" from
// the request on, and "sse PATH gap" from one event to the next.
func Get(ctx context.Context, u *behaviours.User, url string, receive func(Event) error) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	return Do(u, req, receive)
}

// Do is Get for a request of any method.
func Do(u *behaviours.User, req *http.Request, receive func(Event) error) error {
	ctx, path := req.Context(), req.URL.Path
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "text/event-stream")
	}
	var (
		s     *stream
		event Event
	)
	err := u.MeasureCall(ctx, "sse", path+" first event", func(ctx context.Context, call *behaviours.Call) error {
		resp, err := u.HTTPClient().Do(req)
		if err != nil {
			return err
		}
		call.Status = resp.StatusCode
		if resp.StatusCode != http.StatusOK {
			defer resp.Body.Close()
			call.Kind = stats.HTTP
			call.Response, _ = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			return errors.New(resp.Status)
		}
		s = &stream{body: resp.Body, lines: bufio.NewReader(resp.Body)}
		event, err = s.next()
		call.In, call.Response = s.taken(), s.last
		if err == io.EOF {
			return fmt.Errorf("the stream ended without an event: %w", io.ErrUnexpectedEOF)
		}
		return err
	})
	if s != nil {
		defer s.body.Close()
	}
	for err == nil {
		switch err := receive(event); {
		case errors.Is(err, Done):
			return nil
		case err != nil:
			return err
		}
		ended := false
		err = u.MeasureCall(ctx, "sse", path+" gap", func(ctx context.Context, call *behaviours.Call) (err error) {
			event, err = s.next()
			call.In, call.Response = s.taken(), s.last
			if err == io.EOF {
				ended = true
				return nil
			}
			return err
		})
		if ended {
			return nil
		}
	}
	return err
}

// stream takes events out of lines.
type stream struct {
	body  io.ReadCloser
	lines *bufio.Reader
	last  []byte // the lines of the event in hand
	read  int64
}

const maxEvent = 16 << 20

func (s *stream) taken() int64 {
	n := s.read
	s.read = 0
	return n
}

func (s *stream) next() (e Event, err error) {
	s.last = s.last[:0]
	var data []string
	begins := 0 // where the line in hand does
	for {
		part, err := s.lines.ReadSlice('\n')
		s.read += int64(len(part))
		s.last = append(s.last, part...)
		if len(s.last) > maxEvent {
			return e, fmt.Errorf("an event of more than %d bytes", maxEvent)
		}
		if err == bufio.ErrBufferFull {
			continue // with the rest of the line
		}
		if err != nil {
			return e, err // an event without its blank line does not count
		}
		line := strings.TrimRight(string(s.last[begins:]), "\r\n")
		begins = len(s.last)
		if line == "" {
			if data != nil {
				e.Data = strings.Join(data, "\n")
				return e, nil
			}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "data":
			data = append(data, value)
		case "event":
			e.Type = value
		case "id":
			e.ID = value
		}
	}
}
