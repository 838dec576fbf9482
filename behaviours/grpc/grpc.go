// Package grpc measures gRPC calls: an interceptor that makes every unary call
// and every message of a stream a row, with the status code as its status.
//
//	conn, err := grpc.NewClient("127.0.0.1:9000", append(tgrpc.Measured(u),
//		grpc.WithTransportCredentials(insecure.NewCredentials()))...)
//	reply, err := pb.NewShopClient(conn).Buy(ctx, request)
package grpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"tload/behaviours"
	"tload/stats"
)

// Measured are the options that make a client connection measure its calls for
// a user. The connection must be that user's own.
func Measured(u *behaviours.User) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return u.MeasureCall(ctx, "grpc", method, func(ctx context.Context, call *behaviours.Call) error {
				err := invoke(ctx, method, request, reply, cc, opts...)
				return said(call, request, reply, err)
			})
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			var s grpc.ClientStream
			err := u.MeasureCall(ctx, "grpc", method+" open", func(_ context.Context, call *behaviours.Call) (err error) {
				// The stream lives with the caller's context, not the call's.
				s, err = streamer(ctx, desc, cc, method, opts...)
				return said(call, nil, nil, err)
			})
			if err != nil {
				return nil, err
			}
			return &stream{ClientStream: s, u: u, method: method}, nil
		}),
	}
}

// stream measures each message that comes.
type stream struct {
	grpc.ClientStream
	u      *behaviours.User
	method string
	sent   any
}

func (s *stream) SendMsg(m any) error {
	s.sent = m
	return s.ClientStream.SendMsg(m)
}

// RecvMsg measures the time until the message is there. The end of the stream
// is not an act.
func (s *stream) RecvMsg(m any) error {
	ended := false
	err := s.u.MeasureCall(s.Context(), "grpc", s.method+" message", func(_ context.Context, call *behaviours.Call) error {
		err := s.ClientStream.RecvMsg(m)
		if errors.Is(err, io.EOF) {
			ended = true
			return nil
		}
		return said(call, s.sent, m, err)
	})
	if ended {
		return io.EOF
	}
	return err
}

// said fills in what a call was about and makes a status an error that shows it.
func said(call *behaviours.Call, request, reply any, err error) error {
	if m, ok := request.(proto.Message); ok {
		call.Out = int64(proto.Size(m))
	}
	if err == nil {
		if m, ok := reply.(proto.Message); ok {
			call.In = int64(proto.Size(m))
		}
		return nil
	}
	st := status.Convert(err)
	call.Status = int(st.Code())
	switch st.Code() {
	case codes.DeadlineExceeded:
		call.Kind = stats.Timeout
	case codes.Unavailable:
		call.Kind = stats.Connect
	}
	call.Request = asJSON(request)
	call.Response = asJSON(st.Proto())
	return failed{err, fmt.Sprintf("%s: %s", st.Code(), st.Message())}
}

// failed keeps the status for the caller and reads well in a row of errors.
type failed struct {
	error
	text string
}

func (f failed) Error() string { return f.text }
func (f failed) Unwrap() error { return f.error }

func asJSON(v any) []byte {
	m, ok := v.(proto.Message)
	if !ok || m == nil {
		return nil
	}
	b, err := protojson.Marshal(m)
	if err != nil {
		return []byte(err.Error())
	}
	return b
}
