package tui

import (
	"fmt"
	"strings"
	"testing"
)

func TestNoKeyMeansTwoThings(t *testing.T) {
	for _, p := range newPages().all {
		seen := map[string]string{}
		for _, b := range p.keys {
			for _, k := range b.Keys() {
				if other := seen[k]; other != "" {
					t.Errorf("%s: %q means both %q and %q", p.name, k, other, b.Help().Desc)
				}
				seen[k] = b.Help().Desc
			}
		}
	}
}

func TestThePagesAreWhole(t *testing.T) {
	names, tabs := map[string]bool{}, map[string]bool{}
	for _, p := range newPages().all {
		if p.name == "" || names[p.name] || p.key != "" && tabs[p.key] {
			t.Errorf("page %q, key %q: both are needed once", p.name, p.key)
		}
		names[p.name], tabs[p.key] = true, true
		for _, b := range p.keys {
			if b.Help().Desc == "" || len(b.Keys()) == 0 || b.do == nil {
				t.Errorf("%s: %v says too little", p.name, b.Help())
			}
			for _, k := range b.Keys() {
				switch k {
				case "ctrl+s", "ctrl+q", ":":
					t.Errorf("%q is kept free", k)
				}
			}
		}
		if len(p.footer) == 0 {
			t.Errorf("%s has no footer", p.name)
		}
		for _, item := range p.footer {
			press, word, _ := strings.Cut(item, " ")
			if b, ok := p.bound(press); !ok || word == "" && b.foot == "" && b.now == nil {
				t.Errorf("the footer of %s shows %q, which no key of it says anything about", p.name, item)
			}
		}
		if p.idle {
			continue
		}
		if p.search.word == "" {
			t.Errorf("%s does not say what / does", p.name)
		}
		for _, k := range []string{"?", "q", "esc", "ctrl+c", "+", "-", "f"} {
			if _, ok := p.bound(k); !ok {
				t.Errorf("%s lacks %s", p.name, k)
			}
		}
	}
}

// TestEveryKeyIsAnswered holds the lists to the screens: what a page has a key
// for, its screen does. Not every one has something to open, or several panes.
func TestEveryKeyIsAnswered(t *testing.T) {
	for _, p := range newPages().all {
		for _, b := range p.keys {
			switch b.Keys()[0] {
			case "enter", "tab", "shift+tab":
				continue
			}
			if b.of != nil && !b.of(p.make()) {
				t.Errorf("%s has a key to %q, and its screen does not answer", p.name, b.Help().Desc)
			}
		}
	}
}

// TestEveryKeyEverywhere presses all there are on each screen, in an order that
// opens and closes things: nothing may fail and every frame must fit.
func TestEveryKeyEverywhere(t *testing.T) {
	var keys []string
	for _, p := range newPages().all {
		for _, b := range p.keys {
			for _, k := range b.Keys() {
				if k != "ctrl+c" && !strings.Contains(strings.Join(keys, " ")+" ", k+" ") {
					keys = append(keys, k)
				}
			}
		}
	}
	for _, stop := range tour {
		t.Run(stop.name, func(t *testing.T) {
			p := sit(t, 80, 24, Options{})
			for _, k := range keys {
				p.m.dialogs, p.m.prompt, p.m.form = nil, nil, nil
				p.press("1 " + stop.keys)
				p.press(k)
				frameFits(t, p.m, 80, 24)
				if p.m.fault != nil {
					t.Fatal(fmt.Errorf("%s: %w", k, p.m.fault))
				}
			}
		})
	}
}
