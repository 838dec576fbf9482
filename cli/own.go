package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"tload/cli/build"
)

// A program of behaviours has the flags that it defines by package flag of the standard
// library, before it calls Main:
//
//	var shop = flag.String("shop", "north", "which `shop` the users go to")
//
// They are read, listed, set by the environment and tload.toml and sent to workers as
// tload's own are. A flag library of its authors' choice would be one more to learn, and a
// list given to Main one more word for it.

// ownFlag marks those of the program in the one list of flags.
const ownFlag = "tload-own"

// defineOwn adds the program's flags to tload's.
func defineOwn(f *pflag.FlagSet) (err error) {
	flag.VisitAll(func(g *flag.Flag) {
		if strings.HasPrefix(g.Name, "test.") {
			return // a test binary's
		}
		own := pflag.PFlagFromGoFlag(g)
		switch {
		case f.Lookup(g.Name) != nil, own.Shorthand != "" && f.ShorthandLookup(own.Shorthand) != nil:
			err = errors.Join(err, fmt.Errorf("this program's flag %q is one of tload's, too: give it another name", g.Name))
			return
		}
		own.Annotations = map[string][]string{ownFlag: nil}
		own.Usage += " (this program's)"
		f.AddFlag(own)
	})
	return err
}

// ownArgs are the program's flags that were given, as arguments.
func ownArgs(f *pflag.FlagSet) (args []string) {
	f.Visit(func(f *pflag.Flag) {
		if _, own := f.Annotations[ownFlag]; own {
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	return args
}

// misuseOrBecome is what an error in the settings leads to: a program that may know what
// tload does not, or a complaint.
func (p *program) misuseOrBecome(ctx context.Context, err error) int {
	if err := p.becomeFor(ctx, err); err != nil {
		return p.complain(codeOf(err), err)
	}
	return p.complain(exitMisuse, err)
}

// becomeFor builds the behaviours in Go that these arguments lead to, which have a flag that
// tload does not know, or a setting, and becomes them. It returns nil if there are none.
func (p *program) becomeFor(ctx context.Context, err error) error {
	if p.source == nil || !errors.As(err, new(unknownSetting)) {
		return nil
	}
	file := build.Default()
	for i, a := range p.args {
		switch {
		case a == "--":
			return p.becomeIfGo(ctx, file)
		case (a == "-f" || a == "--file") && i+1 < len(p.args):
			file = p.args[i+1]
		case strings.HasPrefix(a, "--file="):
			file = a[len("--file="):]
		case strings.HasPrefix(a, "-f") && len(a) > 2 && a[1] != '-':
			file = a[2:]
		}
	}
	return p.becomeIfGo(ctx, file)
}

func (p *program) becomeIfGo(ctx context.Context, file string) error {
	if !build.InGo(file) {
		return nil
	}
	p.parent.keep()
	return p.maker().Become(ctx, file, withoutFile(p.args))
}
