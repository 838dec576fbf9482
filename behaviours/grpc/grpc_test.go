package grpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"

	"tload/behaviours"
	tgrpc "tload/behaviours/grpc"
)

func TestCallsAndStreams(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var unary, streams atomic.Int64
	s := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			unary.Add(1)
			return h(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			streams.Add(1)
			return h(srv, ss)
		}))
	pb.RegisterHealthServer(s, health.NewServer())
	go s.Serve(l)
	defer s.Stop()

	b := func(service string) behaviours.Behaviour {
		return behaviours.Behaviour{Name: "grpc", New: func(u *behaviours.User) *behaviours.Set {
			var conn *grpc.ClientConn
			return &behaviours.Set{
				OnStart: func(context.Context) (err error) {
					conn, err = grpc.NewClient(l.Addr().String(), append(tgrpc.Measured(u), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
					return err
				},
				OnStop: func(context.Context) error { return conn.Close() },
				Tasks: []behaviours.Task{{Name: "t", Run: func(ctx context.Context) error {
					client := pb.NewHealthClient(conn)
					if _, err := client.Check(ctx, &pb.HealthCheckRequest{Service: service}); err != nil {
						return err
					}
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					watch, err := client.Watch(ctx, &pb.HealthCheckRequest{})
					if err != nil {
						return err
					}
					if _, err := watch.Recv(); err != nil && !errors.Is(err, io.EOF) {
						return err
					}
					return nil
				}}},
			}
		}}
	}
	if err := behaviours.Run(t.Context(), b(""), "", 20); err != nil || unary.Load() != 20 || streams.Load() != 20 {
		t.Errorf("got %v; the server counted %d calls and %d streams, want 20 each", err, unary.Load(), streams.Load())
	}
	err = behaviours.Run(t.Context(), b("nobody"), "", 1)
	if err == nil || !strings.Contains(err.Error(), "/grpc.health.v1.Health/Check: NotFound: unknown service") || strings.Count(err.Error(), "NotFound") != 1 {
		t.Errorf("got %v, want one NotFound of Check", err)
	}
}
