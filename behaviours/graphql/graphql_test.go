package graphql_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tload/behaviours"
	"tload/behaviours/graphql"
)

func TestErrorsInA200AreFailuresOfTheirOperation(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "Broken") {
			fmt.Fprint(w, `{"data":null,"errors":[{"message":"no such field","path":["x"]}]}`)
			return
		}
		fmt.Fprint(w, `{"data":{"items":[{"id":"7"}]}}`)
	}))
	defer s.Close()
	b := func(query string) behaviours.Behaviour {
		return behaviours.Behaviour{Name: "g", New: func(u *behaviours.User) *behaviours.Set {
			return &behaviours.Set{Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
				var data struct{ Items []struct{ ID string } }
				if err := graphql.Do(ctx, u, "/graphql", graphql.Request{Query: query}, &data); err != nil {
					return err
				}
				if len(data.Items) != 1 || data.Items[0].ID != "7" {
					return fmt.Errorf("got %+v", data)
				}
				return nil
			}}}}
		}}
	}
	if err := behaviours.Run(t.Context(), b("query Items { items { id } }"), s.URL, 5); err != nil {
		t.Error(err)
	}
	err := behaviours.Run(t.Context(), b("query Broken { x }"), s.URL, 5)
	if err == nil || !strings.Contains(err.Error(), "CHECK POST /graphql Broken: graphql: no such field (5 times)") {
		t.Errorf("got %v, want the error of the operation Broken, five times", err)
	}
}
