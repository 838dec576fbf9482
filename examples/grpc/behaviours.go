// gRPC: the standard health service, a unary call per task. Any generated
// client is used the same way.
//
//	GRPC_SERVER=localhost:50051 go run ./examples/grpc -u 10 -t 30s
package main

import (
	"context"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/health/grpc_health_v1"

	"tload/behaviours"
	tgrpc "tload/behaviours/grpc"
	"tload/cli"
)

func main() { cli.Main(checker(os.Getenv("GRPC_SERVER"))) }

func checker(addr string) behaviours.Behaviour {
	return behaviours.Behaviour{
		Name: "Checker",
		Wait: behaviours.Constant(100 * time.Millisecond),
		New: func(u *behaviours.User) *behaviours.Set {
			var conn *grpc.ClientConn
			return &behaviours.Set{
				OnStart: func(context.Context) (err error) {
					conn, err = grpc.NewClient(addr, append(tgrpc.Measured(u),
						grpc.WithTransportCredentials(insecure.NewCredentials()))...)
					return err
				},
				OnStop: func(context.Context) error { return conn.Close() },
				Tasks: []behaviours.Task{{Name: "check", Run: func(ctx context.Context) error {
					_, err := pb.NewHealthClient(conn).Check(ctx, &pb.HealthCheckRequest{})
					return err
				}}},
			}
		},
	}
}
