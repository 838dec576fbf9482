package tui

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"tload/swarm"
)

// key gives a key to whoever comes first: a dialog, the filter being typed, the
// form, the screen; what the screen does not know is the model's.
func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	press := k.String()
	for _, b := range always() {
		if slices.Contains(b.Keys(), press) {
			return m.do(b, press)
		}
	}
	if m.form == nil && m.prompt == nil {
		// What was pasted into a dialog that was open before is meant for that.
		if yes, before := m.fingers.pasted(k, len(m.dialogs)); yes && before == 0 {
			m.dialogs = m.dialogs[:0]
			m.say("that looks like a pasted text: it was not taken for keys")
			return nil
		}
	}
	if n := len(m.dialogs); n > 0 {
		d := m.dialogs[n-1]
		closed, cmd := d.key(m, k)
		if closed {
			for i := len(m.dialogs) - 1; i >= 0; i-- { // it may have opened another
				if m.dialogs[i] == d {
					m.dialogs = append(m.dialogs[:i:i], m.dialogs[i+1:]...)
					break
				}
			}
		}
		return cmd
	}
	if m.prompt != nil {
		return m.prompt.key(m, k)
	}
	if m.form != nil {
		return m.form.key(m, k)
	}
	return m.press(press)
}

// press is a key on the page that is shown, or a click on what stands for it.
func (m *model) press(key string) tea.Cmd {
	if b, ok := m.page().bound(key); ok {
		return m.do(b, key)
	}
	m.idle(key)
	return nil
}

// idle says that a key does nothing here, for who pressed it would look for what it
// did.
func (m *model) idle(key string) {
	why := m.page().silent[key]
	if why == "" {
		why = "? shows what does what"
	}
	m.say("%s does nothing here: %s", key, why)
}

// do does what a key means, pressed or chosen from the help.
func (m *model) do(b binding, press string) tea.Cmd {
	switch {
	case b.steer && m.o.ReadOnly:
		m.say("this screen only looks on: it was opened to read")
		return nil
	case b.steer && !m.alive():
		m.say("the run is over: nothing changes it any more")
		return nil
	case b.of != nil && !b.of(m.screen()):
		m.idle(press)
		return nil
	}
	return b.do(m, m.screen(), press)
}

func (m *model) askFilter() tea.Cmd {
	if !m.layout.tiny {
		m.prompt = newPrompt(m.screen().filterText())
	}
	return nil
}

// goBack is esc: the filter goes, then what the screen opened on itself, then
// the screen.
func (m *model) goBack() tea.Cmd {
	s := m.screen()
	if s.filterText() != "" {
		s.filtered(m, "")
		return nil
	}
	if s, ok := s.(interface{ back() bool }); ok && s.back() {
		return nil
	}
	m.pop()
	return m.screen().notice(m, tickMsg{})
}

// followShape gives the load back to its shape or search.
func (m *model) followShape() tea.Cmd {
	switch {
	case follows(m.live) == "":
		m.say("nothing but you says how high the load is (--shape, --find)")
	case !m.live.ByHand:
		m.say("the load is %s already", follows(m.live))
	default:
		m.load.FollowShape()
		m.say("the load is %s again", follows(m.live))
	}
	return nil
}

func (m *model) pause() tea.Cmd {
	on := m.live.State != swarm.Paused
	m.load.Pause(on)
	if on {
		m.say("paused: users hold before their next task (space resumes)")
	} else {
		m.say("resumed: users go on at the spawn rate, within 10 s")
	}
	return nil
}

func (m *model) freeze() tea.Cmd {
	m.frozen = !m.frozen
	m.read()
	return nil
}

func (m *model) toggleWindow() tea.Cmd {
	m.whole = !m.whole
	m.refresh()
	return nil
}

// askToQuit is q: at once when nothing runs, or when it was said before;
// otherwise a question.
func (m *model) askToQuit() tea.Cmd {
	switch {
	case m.quitting:
		return m.stopNow(Quit)
	case !m.active(), m.o.Attached:
		return m.quit(Quit)
	}
	m.dialogs = append(m.dialogs, newQuitDialog(m))
	return nil
}

// detach leaves the screen and lets the run go on.
func (m *model) detach() tea.Cmd {
	if !m.active() {
		m.say("nothing runs that could go on: q leaves")
		return nil
	}
	return m.quit(Detach)
}

// interrupted is ctrl+c: first the question, then within two seconds the end.
// A third one finds the screen gone and is the caller's signal.
func (m *model) interrupted() tea.Cmd {
	again := time.Since(m.ctrlC) < 2*time.Second
	m.ctrlC = time.Now()
	if !m.active() || m.o.Attached {
		return m.quit(Quit)
	}
	if again || m.quitting {
		return m.stopNow(Interrupt)
	}
	for _, d := range m.dialogs {
		if _, ok := d.(*choice); ok {
			m.say("ctrl+c again within 2 s stops at once and leaves")
			return nil
		}
	}
	m.prompt = nil
	m.say("ctrl+c again within 2 s stops at once and leaves")
	return m.askToQuit()
}

// stopNow cuts the grace short and leaves; the caller waits for the rest.
func (m *model) stopNow(how Outcome) tea.Cmd {
	m.load.Stop("you")
	if m.live.State != swarm.Stopping {
		m.load.Stop("you") // the first one is graceful
	}
	return m.quit(how)
}

// alive says that the run can be changed, and tells the user when not.
func (m *model) alive() bool {
	switch {
	case m.load == nil:
		return false
	case m.live.State == swarm.Stopped:
		m.say("the run is over; R starts a new one")
		return false
	case m.live.State == swarm.Stopping:
		m.say("the run is stopping")
		return false
	}
	return true
}

// again is R: the form for a new run, when the old one is over.
func (m *model) again() tea.Cmd {
	switch {
	case m.active():
		m.say("a run is active: x stops it")
		return nil
	case m.o.Launch == nil:
		m.say("this run was opened to be read: start tload again for a new one")
		return nil
	}
	f := m.o.Form
	if f.Host == "" { // it was not started from the form
		f.Host, f.Users, f.SpawnRate, f.RunTime = m.live.Host, m.live.Peak, m.live.SpawnRate, m.live.RunTime
	}
	m.form, m.toast = newForm(m, f), toast{}
	return m.form.probe(m)
}

func (m *model) paste(p tea.PasteMsg) tea.Cmd {
	if n := len(m.dialogs); n > 0 {
		if d, ok := m.dialogs[n-1].(interface{ paste(tea.PasteMsg) }); ok {
			d.paste(p)
		}
		return nil
	}
	switch {
	case m.prompt != nil:
		m.prompt.text.Update(p)
		m.screen().filtered(m, m.prompt.text.Value())
	case m.form != nil:
		return m.form.paste(m, p)
	}
	return nil
}
