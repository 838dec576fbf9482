package build

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	firstWord = time.Second     // a build that takes no longer is not spoken of
	nextWord  = 5 * time.Second // between two words
)

// output is what go says: the names of packages as they are built, which are counted,
// and all else.
type output struct {
	mu       sync.Mutex
	said     strings.Builder
	rest     string // of a line that goes on
	packages int
}

// aPackage is a line of go build -v; a complaint has a colon, a blank or a # in it.
var aPackage = regexp.MustCompile(`^[\w./~+-]+$`)

// Write takes what go says.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest += string(b)
	for {
		line, rest, whole := strings.Cut(o.rest, "\n")
		if !whole {
			return len(b), nil
		}
		o.rest = rest
		if aPackage.MatchString(line) {
			o.packages++
		} else {
			o.said.WriteString(line + "\n")
		}
	}
}

func (o *output) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.packages
}

// text is what was said besides the names of packages.
func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.String() + o.rest
}

// watch speaks of a build that takes long, until stop has returned.
func (m Maker) watch(b built, said *output) (stop func()) {
	if m.Say == nil {
		return func() {}
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		began, what := time.Now(), strings.Join(b.what, " ")
		if what == "." {
			what = filepath.Base(b.dir)
		}
		timer := time.NewTimer(firstWord)
		defer timer.Stop()
		for first := true; ; first = false {
			select {
			case <-ended:
				return
			case <-timer.C:
			}
			if first {
				m.Say(fmt.Sprintf("building %s; the first time on a machine that takes half a minute", what))
			} else {
				m.Say(fmt.Sprintf("building %s: %d packages in %.0f s", what, said.count(), time.Since(began).Seconds()))
			}
			timer.Reset(nextWord)
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}
