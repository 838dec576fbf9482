package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"tload/behaviours"
)

func TestAsk(t *testing.T) {
	var count atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		for i := range 5 {
			fmt.Fprintf(w, "data: token %d\n\n", i)
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	defer s.Close()
	if err := behaviours.Run(t.Context(), asker(s.URL+"/v1/chat"), "", 10); err != nil || count.Load() != 10 {
		t.Errorf("got %v; the server counted %d, want 10", err, count.Load())
	}
}
