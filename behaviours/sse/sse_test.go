package sse_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tload/behaviours"
	"tload/behaviours/sse"
)

func TestEvents(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/tokens":
			fmt.Fprint(w, ": hello\n\nevent: token\nid: 1\ndata: a\n\ndata: b\ndata: c\n\n")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "data: [DONE]\r\n\r\n")
		case "/cut":
			fmt.Fprint(w, "data: a\n\ndata: b")
		case "/without end":
			for {
				if _, err := fmt.Fprint(w, strings.Repeat("data: ", 10_000)); err != nil {
					return
				}
			}
		case "/none":
		default:
			http.Error(w, "no stream", http.StatusNotFound)
		}
	}))
	defer s.Close()
	var got []sse.Event
	b := func(path string) behaviours.Behaviour {
		return behaviours.Behaviour{Name: "s", New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
				got = nil
				return sse.Get(ctx, u, s.URL+path, func(e sse.Event) error {
					got = append(got, e)
					if e.Data == "[DONE]" {
						return sse.Done
					}
					return nil
				})
			}}}}
		}}
	}
	if err := behaviours.Run(t.Context(), b("/tokens"), "", 3); err != nil {
		t.Error(err)
	}
	if len(got) != 3 || got[0] != (sse.Event{ID: "1", Type: "token", Data: "a"}) || got[1].Data != "b\nc" {
		t.Errorf("events: got %+v", got)
	}
	for path, want := range map[string]string{
		"/without%20end": "an event of more than 16777216 bytes",
		"/none":          "EOF sse /none first event", "/nowhere": "HTTP sse /nowhere first event: 404 Not Found",
	} {
		if err := behaviours.Run(t.Context(), b(path), "", 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if err := behaviours.Run(t.Context(), b("/cut"), "", 1); err != nil || len(got) != 1 {
		t.Errorf("a last event without its blank line: got %v and %d events, want it not to count", err, len(got))
	}
}
