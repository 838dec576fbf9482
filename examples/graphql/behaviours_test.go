package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tload/behaviours"
)

func TestOperations(t *testing.T) {
	var items, buys atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "mutation Buy") {
			buys.Add(1)
		} else {
			items.Add(1)
		}
		io.WriteString(w, `{"data":{}}`)
	}))
	defer s.Close()
	err := behaviours.Run(t.Context(), reader, s.URL, 100)
	if err != nil || items.Load()+buys.Load() != 100 || buys.Load() < 8 || buys.Load() > 45 {
		t.Errorf("got %v; the server counted %d and %d, want about 75 and 25", err, items.Load(), buys.Load())
	}
}
