package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tload/behaviours"
)

// shop is a server that counts, and has so many items.
func shop(t *testing.T, items int) (url string, count func(string) int) {
	var mu sync.Mutex
	counts := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		counts[r.Method+" "+r.URL.Path]++
		switch r.URL.Path {
		case "/token":
			var who struct{ Name, Password string }
			if json.NewDecoder(r.Body).Decode(&who); who.Password != "one" {
				http.Error(w, "who?", http.StatusUnauthorized)
				return
			}
			fmt.Fprintf(w, `{"token":"of %s"}`, who.Name)
		case "/items", "/cart":
			if r.Header.Get("Authorization") != "Bearer of ada" {
				http.Error(w, "log in", http.StatusUnauthorized)
				return
			}
			io.WriteString(w, "["+strings.TrimSuffix(strings.Repeat(`{"id":7},`, items), ",")+"]")
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func(what string) int {
		mu.Lock()
		defer mu.Unlock()
		return counts[what]
	}
}

func TestBuyersHaveATokenOfTheirOwn(t *testing.T) {
	url, count := shop(t, 1)
	if err := behaviours.Run(t.Context(), buyer, url, 10); err != nil {
		t.Error(err)
	}
	if a, b, c := count("POST /token"), count("GET /items"), count("PUT /cart"); a != 1 || b != 10 || c != 10 {
		t.Errorf("%d logins, %d looks, %d sales; want 1, 10 and 10", a, b, c)
	}
}

func TestAnEmptyShopIsAFailure(t *testing.T) {
	url, count := shop(t, 0)
	err := behaviours.Run(t.Context(), buyer, url, 3)
	if err == nil || !strings.Contains(err.Error(), "no item is left (3 times)") || count("PUT /cart") != 0 {
		t.Errorf("got %v", err)
	}
}

func TestVisitorsFetchWhatAPageNeeds(t *testing.T) {
	url, count := shop(t, 1)
	if err := behaviours.Run(t.Context(), visitor, url, 60); err != nil {
		t.Error(err)
	}
	if page, css, js := count("GET /products/1"), count("GET /app.css"), count("GET /app.js"); page == 0 || css != page || js != page || page+count("GET /") != 60 {
		t.Errorf("%d pages, %d and %d of their assets, %d fronts", page, css, js, count("GET /"))
	}
}
