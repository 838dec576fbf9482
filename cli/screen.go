package cli

import (
	"context"
	"tload/behaviours"
)

func (p *program) screen(ctx context.Context, s *settings, own []behaviours.Behaviour) int { return 0 }
