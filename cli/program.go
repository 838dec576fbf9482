package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tload/behaviours"
	"tload/stats"
	"tload/stats/report"
)

// Program is a program of behaviours that has more to say than what its users do:
//
//	func main() {
//		cli.Program{
//			Behaviours: []behaviours.Behaviour{visitor, buyer},
//			Teardown: func(ctx context.Context, end *cli.End) error {
//				if sold(ctx) != end.Snapshot.Total.Run.Requests {
//					return errors.New("the shop has sold something else")
//				}
//				return nil
//			},
//		}.Main()
//	}
type Program struct {
	Behaviours []behaviours.Behaviour

	// Shape, if set, says how many users there are at each moment of the run, those that the
	// behaviours share; with --rate, how many arrivals a second. When it is done, so is the
	// run. -u, --shape and --find take its place. It is called often and must not wait.
	// behaviours.Stages makes one of words; a behaviour's own load is in the behaviour.
	Shape func(t time.Duration) (level float64, done bool)

	// OnRequest, if set, is told of every request that ended, of what HTTP is not too,
	// with the message of a failure. It is called by the goroutine of the user whose
	// request it was, so by many at a time, and keeps that user from going on until it
	// returns: it must be quick, and wait for nothing. On workers it is called there.
	OnRequest func(row stats.Key, x stats.Sample, message string)

	// Teardown, if set, runs once when the run is over and its numbers are final, behind
	// those of the behaviours, for a minute at most. Its error is printed and has the
	// program exit with 1, or with the code that it is (ExitCode), unless the run itself
	// ended with another one than 0. With workers it runs on the master.
	Teardown func(ctx context.Context, end *End) error
}

// End is how a run ended: what its reports are made of.
type End struct {
	Host string // as it was given
	Dir  string // of its files; "" for none
	*report.Run
}

// ExitCode is an error that a Teardown returns for the program to exit with that code, from
// 1 to 125.
type ExitCode int

// Error is "exit code 7".
func (c ExitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// Main runs the program and exits.
func (o Program) Main() {
	p := program{args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Environ(), behaviours: o.Behaviours, whole: o, real: true, parent: leashed()}
	os.Exit(p.main(context.Background()))
}

// watched has a second one told of requests, if there is a first.
func watched(first, second func(stats.Key, stats.Sample, string)) func(stats.Key, stats.Sample, string) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(row stats.Key, x stats.Sample, message string) {
		first(row, x, message)
		second(row, x, message)
	}
}

// ended calls the program's Teardown.
func (x *session) ended() error {
	f := x.settings.whole.Teardown
	if f == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), teardownTime)
	defer cancel()
	err := guard(func() error { return f(ctx, &End{Host: x.settings.host, Dir: x.dir, Run: x.result()}) })
	if err != nil {
		return fmt.Errorf("teardown: %w", err)
	}
	return nil
}

// endCode is the exit code that the Teardown's error stands for.
func endCode(err error) int {
	if c := ExitCode(0); errors.As(err, &c) && c > 0 && c < 126 {
		return int(c)
	}
	return exitFailed
}
