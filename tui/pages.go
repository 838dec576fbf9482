package tui

import (
	"slices"
	"strings"
	"tload/tui/draw"
)

// page is what one kind of screen is: the line it has among all of them. A new
// one is a file with its screen and its page, and a line in newPages.
type page struct {
	key    string            // goes to it, if it is a tab
	name   string            // of its screen
	make   func() screen     // an empty one; a tab begins with it
	keys   []binding         // in the order of the help
	footer []string          // keys most used first, each with a word where it is not the key's own
	search search            // what "/" does
	end    string            // stands at the end of the breadcrumb, in place of the window
	silent map[string]string // why keys that others have do nothing here
	reads  bool              // of what is the same whether the run goes on: so is its footer
	idle   bool              // shown while there is no run
}

// pages are all there are.
type pages struct {
	all  []*page
	tabs []*page // those that a key leads to
}

// newPages is every page there is. Tabs stand in the order of their keys, and
// what is opened on one behind it.
func newPages() pages {
	list := []*page{
		dashPage(), statsPage(), endpointPage(), chartsPage(), errorsPage(), groupPage(), exchangePage(), usersPage(), workersPage(), logsPage(), dryPage(),
		formPage(),
	}
	p := pages{all: list}
	for _, x := range list {
		x.name = x.make().name()
		if x.key != "" {
			p.tabs = append(p.tabs, x)
		}
	}
	common := everywhere(p.tabs)
	for _, x := range list {
		if x.idle {
			x.keys = append(x.keys, always()...)
		} else {
			x.keys = append(x.keys, common...)
		}
	}
	return p
}

// of is the page of a screen.
func (p pages) of(s screen) *page {
	return p.all[slices.IndexFunc(p.all, func(x *page) bool { return x.name == s.name() })]
}

// ofRun are the pages that show a run.
func (p pages) ofRun() []*page {
	return slices.DeleteFunc(slices.Clone(p.all), func(x *page) bool { return x.idle })
}

// bound is what a key means on the page.
func (p *page) bound(press string) (binding, bool) {
	for _, b := range p.keys {
		if slices.Contains(b.Keys(), press) {
			return b, true
		}
	}
	return binding{}, false
}

// has says that the page has that line of the help.
func (p *page) has(b binding) bool { return slices.ContainsFunc(p.keys, b.same) }

// foot is an item of the footer: the key to press, and what it shows.
func (p *page) foot(m *model, item string) (press, label string) {
	press, word, _ := strings.Cut(item, " ")
	b, _ := p.bound(press)
	switch {
	case b.now != nil:
		return press, b.now(m)
	case word == "":
		word = b.foot
	}
	return press, footItem(b.sign, word)
}

func footItem(sign, word string) string { return draw.Accent.Render(sign) + " " + word }

// search is what is typed after "/": a filter of rows, or a word to find in text.
type search struct {
	word, hint string
	problem    func(text string) string // what is wrong with what was typed so far
}

func filtersRows() search {
	return search{"filter", "enter keep  esc clear  !not  a|b  ~regexp ", badQuery}
}

func filtersGroups() search {
	return search{"filter", "enter keep  esc clear  !not  ~regexp  status:5xx  kind:reset ", badQuery}
}

func findsText() search {
	return search{"find", "enter keep  esc clear  n/N next  ~regexp ", func(text string) string {
		if len(text) > 1 && text[0] == '~' {
			return badRegexp(text[1:])
		}
		return ""
	}}
}

func badQuery(text string) string { return parseQuery(text).bad }
