// Package graphql sends GraphQL over a user's HTTP client. Rows are named by
// the operation, not by the one path that all of them share, and an error
// inside a 200 is a failure.
//
//	var data struct{ Items []Item }
//	err := graphql.Do(ctx, u, "/graphql", graphql.Request{Query: "query Items { items { id } }"}, &data)
package graphql

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"tload/behaviours"
)

// Request is one operation.
type Request struct {
	Query     string         `json:"query"`
	Operation string         `json:"operationName,omitempty"` // defaults to the first name in Query
	Variables map[string]any `json:"variables,omitempty"`
}

// Failure is one of the errors in a reply.
type Failure struct {
	Message string `json:"message"`
	Path    []any  `json:"path,omitempty"`
}

var operation = regexp.MustCompile(`\b(?:query|mutation|subscription)\s+([A-Za-z_]\w*)`)

// Do sends a request to path and decodes the reply's data into data, which may
// be nil. The reply's errors make it a CHECK failure with the first one's text;
// the whole reply is in the errors view.
func Do(ctx context.Context, u *behaviours.User, path string, r Request, data any, opts ...behaviours.Option) error {
	name := r.Operation
	if name == "" {
		name = "(anonymous)"
		if m := operation.FindStringSubmatch(r.Query); m != nil {
			name = m[1]
		}
	}
	var reply struct {
		Data   json.RawMessage `json:"data"`
		Errors []Failure       `json:"errors"`
	}
	opts = append([]behaviours.Option{
		behaviours.Name(path + " " + name),
		behaviours.Check(func(resp *behaviours.Response) error {
			if err := resp.JSON(&reply); err != nil {
				return err
			}
			if len(reply.Errors) > 0 {
				return fmt.Errorf("graphql: %s", reply.Errors[0].Message)
			}
			return nil
		}),
	}, opts...)
	if _, err := u.PostJSON(ctx, path, r, opts...); err != nil {
		return err
	}
	if data == nil || len(reply.Data) == 0 {
		return nil
	}
	return json.Unmarshal(reply.Data, data)
}
