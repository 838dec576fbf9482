package jsonrpc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tload/behaviours"
	"tload/behaviours/jsonrpc"
)

func TestErrorsInA200AreFailuresOfTheirMethod(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			ID     int64
			Method string
			Params []int
		}
		json.NewDecoder(r.Body).Decode(&q)
		switch q.Method {
		case "add":
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%d,"result":%d}`, q.ID, q.Params[0]+q.Params[1])
		case "stranger":
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%d,"result":1}`, q.ID+1)
		default:
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%d,"error":{"code":-32601,"message":"method not found"}}`, q.ID)
		}
	}))
	defer s.Close()
	b := func(method string) behaviours.Behaviour {
		return behaviours.Behaviour{Name: "j", New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
				var sum int
				if err := jsonrpc.Call(ctx, u, "/rpc", method, []int{1, 2}, &sum); err != nil {
					return err
				}
				if sum != 3 {
					return fmt.Errorf("got %d", sum)
				}
				return nil
			}}}}
		}}
	}
	for method, want := range map[string]string{"add": "", "nope": "CHECK POST /rpc nope: json-rpc error -32601: method not found", "stranger": "the reply is to another call"} {
		err := behaviours.Run(t.Context(), b(method), s.URL, 3)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", method, err, want)
		}
	}
}
