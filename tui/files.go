package tui

import (
	"os"
	"path/filepath"

	"tload/stats"
	"tload/stats/exchange"
)

// saveExchange writes an exchange's files into dir, and says where.
func saveExchange(dir, name string, x *stats.Exchange, mask *exchange.Masker) savedMsg {
	m := savedMsg{what: "saved exchange", path: filepath.Join(dir, name) + ".*"}
	if m.err = os.MkdirAll(dir, 0o700); m.err == nil {
		m.size, m.err = exchange.Files(filepath.Join(dir, name), x, mask)
	}
	return m
}

// writeFile writes a file anew and makes its directory.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}

// mostClip is what terminals take for the clipboard, and what a slow line can
// be asked to carry.
const mostClip = 74_000

// copied is text for the clipboard and, because not every terminal lets it
// through, for a file as well.
func copied(dir, what, name, text string) savedMsg {
	path := filepath.Join(dir, name)
	m := savedMsg{what: "copied " + what + " to the clipboard and a file", path: path, size: len(text), clip: text, err: writeFile(path, []byte(text), 0o600)}
	if len(text) > mostClip {
		m.what, m.clip = what+" is too long for the clipboard: it is in a file", ""
	}
	return m
}

func fileSize(path string) int {
	if st, err := os.Stat(path); err == nil {
		return int(st.Size())
	}
	return 0
}
