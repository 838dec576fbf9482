package main

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"

	"tload/behaviours"
)

func TestCheck(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	s := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		count.Add(1)
		return h(ctx, req)
	}))
	pb.RegisterHealthServer(s, health.NewServer())
	go s.Serve(l)
	defer s.Stop()
	if err := behaviours.Run(t.Context(), checker(l.Addr().String()), "", 20); err != nil || count.Load() != 20 {
		t.Errorf("got %v; the server counted %d, want 20", err, count.Load())
	}
}
