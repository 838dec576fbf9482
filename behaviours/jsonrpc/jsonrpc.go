// Package jsonrpc calls JSON-RPC 2.0 methods over a user's HTTP client. Rows
// are named by the method, and an error inside a 200 is a failure.
//
//	var sum int
//	err := jsonrpc.Call(ctx, u, "/rpc", "add", []int{1, 2}, &sum)
package jsonrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tload/behaviours"
)

type request struct {
	Version string `json:"jsonrpc"`
	ID      int64  `json:"id"`
	Method  string `json:"method"`
	Params  any    `json:"params,omitempty"`
}

type reply struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Call calls a method at path and decodes its result into result, which may be
// nil. An error in the reply, or a reply to another call, is a CHECK failure.
func Call(ctx context.Context, u *behaviours.User, path, method string, params, result any, opts ...behaviours.Option) error {
	id := u.Rand().Int64N(1 << 31)
	var r reply
	opts = append([]behaviours.Option{
		behaviours.Name(path + " " + method),
		behaviours.Check(func(resp *behaviours.Response) error {
			switch err := resp.JSON(&r); {
			case err != nil:
				return err
			case r.Error != nil:
				return fmt.Errorf("json-rpc error %d: %s", r.Error.Code, r.Error.Message)
			case string(r.ID) != fmt.Sprint(id):
				return errors.New("json-rpc: the reply is to another call")
			}
			return nil
		}),
	}, opts...)
	if _, err := u.PostJSON(ctx, path, request{"2.0", id, method, params}, opts...); err != nil {
		return err
	}
	if result == nil || len(r.Result) == 0 {
		return nil
	}
	return json.Unmarshal(r.Result, result)
}
