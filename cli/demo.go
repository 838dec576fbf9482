package cli

import (
	"context"

	"tload/cli/demo"
)

// demo starts the built-in target and loads it.
func (p *program) demo(ctx context.Context, args []string) int {
	s, err := p.parse(args, map[string]string{"users": "20", "spawn-rate": "5"})
	if err != nil {
		return p.complain(exitMisuse, err)
	}
	s.demo = true
	if code, ok := p.apart(s); ok {
		return code
	}
	if err := p.sources(s); err != nil {
		return p.complain(codeOf(err), err)
	}
	t, err := demo.Start("127.0.0.1:0")
	if err != nil {
		return p.complain(exitBroken, err)
	}
	defer t.Close()
	if s.host == "" {
		s.host = t.URL
	}
	return p.load(ctx, s, demo.Behaviours())
}
