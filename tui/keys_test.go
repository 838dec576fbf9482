package tui

import (
	"fmt"
	"testing"
)

func TestNoKeyMeansTwoThings(t *testing.T) {
	for _, p := range placeWords {
		seen := map[string]string{}
		for _, b := range bindings {
			if b.in&p.in == 0 {
				continue
			}
			for _, k := range b.keys {
				if other := seen[k]; other != "" {
					t.Errorf("%s: %q means both %q and %q", p.name, k, other, b.help)
				}
				seen[k] = b.help
			}
		}
	}
}

func TestTheTableIsWhole(t *testing.T) {
	for _, b := range bindings {
		if b.help == "" || len(b.keys) == 0 || b.in == 0 || b.do == noAction {
			t.Errorf("%v says too little", b)
		}
		for _, k := range b.keys {
			switch k {
			case "ctrl+s", "ctrl+q", ":":
				t.Errorf("%q is kept free", k)
			}
		}
	}
	for in, list := range footers {
		for _, do := range list {
			if _, ok := bound(in, do); !ok {
				t.Errorf("the footer of %s shows an action that no key does there: %d", placeNames(in), do)
			}
		}
	}
	for _, p := range placeWords {
		if len(footers[p.in]) == 0 {
			t.Errorf("%s has no footer", p.name)
		}
		for _, do := range []action{help, quit, back, interrupt, moreUsers, fewerUsers, freeze} {
			if _, ok := bound(p.in, do); !ok {
				t.Errorf("%s lacks action %d", p.name, do)
			}
		}
	}
}

// TestEveryKeyEverywhere presses all there are on each screen, in an order that
// opens and closes things: nothing may fail and every frame must fit.
func TestEveryKeyEverywhere(t *testing.T) {
	for _, stop := range tour {
		t.Run(stop.name, func(t *testing.T) {
			p := sit(t, 80, 24, Options{})
			for _, b := range bindings {
				for _, k := range b.keys {
					if k == "ctrl+c" {
						continue
					}
					p.m.dialogs, p.m.prompt, p.m.form = nil, nil, nil
					p.press("1 " + stop.keys)
					p.press(k)
					frameFits(t, p.m, 80, 24)
					if p.m.fault != nil {
						t.Fatal(fmt.Errorf("%s: %w", k, p.m.fault))
					}
				}
			}
		})
	}
}
