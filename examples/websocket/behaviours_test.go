package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"tload/behaviours"
)

func TestTalk(t *testing.T) {
	var count atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			count.Add(1)
			c.Write(r.Context(), kind, b)
		}
	}))
	defer s.Close()
	if err := behaviours.Run(t.Context(), talker(strings.Replace(s.URL, "http", "ws", 1)), "", 20); err != nil || count.Load() != 20 {
		t.Errorf("got %v; the server counted %d, want 20", err, count.Load())
	}
}
