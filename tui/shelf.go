package tui

import (
	tea "charm.land/bubbletea/v2"
)

// shelf holds the documents of the last few bodies that were looked at, and knows
// which are being made.
type shelf struct {
	made   map[docKey]*document
	order  []docKey // oldest first
	making map[docKey]bool
}

func newShelf() shelf { return shelf{made: map[docKey]*document{}, making: map[docKey]bool{}} }

// doc is a body made ready, if it is; otherwise the command that makes it.
func (m *model) doc(k docKey) (*document, tea.Cmd) {
	if d := m.docs.made[k]; d != nil {
		return d, nil
	}
	if m.docs.making[k] {
		return nil, nil
	}
	m.docs.making[k] = true
	mask := m.masker()
	return nil, safely(func() tea.Msg { return docMsg{k, k.read(mask)} })
}

// take puts a document on the shelf if somebody asked for it, and the oldest ones
// give way.
func (s *shelf) take(k docKey, d *document) bool {
	const most, mostInAll = 24, 2 * mostLines
	if !s.making[k] {
		return false
	}
	delete(s.making, k)
	if s.made[k] == nil {
		s.order = append(s.order, k)
	}
	s.made[k] = d
	lines := 0
	for _, d := range s.made {
		lines += len(d.lines)
	}
	for len(s.order) > 1 && (len(s.order) > most || lines > mostInAll) {
		lines -= len(s.made[s.order[0]].lines)
		delete(s.made, s.order[0])
		s.order = s.order[1:]
	}
	return true
}
