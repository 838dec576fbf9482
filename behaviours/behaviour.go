package behaviours

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"tload/swarm"
)

// Behaviour is one kind of user.
type Behaviour struct {
	Name   string // defaults to New's name without a leading "new"
	Weight int    // its share of the users; 0 means 1
	Fixed  int    // an exact number of users instead, started first; with Arrivals the most there may be, 0 for 1,000
	Host   string // base URL of its requests when no --host is given
	Wait   Wait   // between tasks; a Set may have its own

	// Setup and Teardown run once for the whole run, before the first user
	// starts and after the last one has left. An error of Setup keeps the run
	// from starting; one of Teardown is said at the end.
	Setup, Teardown func(ctx context.Context, host string) error

	// Start is when its first user comes, and End when its last one is told to go, on the
	// run's clock; an End of 0 is the run's. What it would have of -u the others have
	// meanwhile.
	Start, End time.Duration

	// Shape, if set, is a load of its own beside -u: so many users at each moment since its
	// Start. Arrivals is one in the open model: so many tasks begin a second whatever the
	// target does, by as many users as that takes, and no think time is waited for. One of
	// them at most is set. When it is done the behaviour is over, and with the last one the
	// run. Both are called often and must not wait; Stages and Steady make one.
	Shape, Arrivals func(t time.Duration) (level float64, done bool)

	// New makes the tasks of one user. It is called once per user, and more
	// often to look at the tasks, so it does no I/O.
	New func(*User) *Set
}

// Set is a group of tasks. A user in a set picks a task by weight, or takes
// them in turn, until it leaves the set.
type Set struct {
	Name       string // names a nested set; the Task that holds it may too
	Tasks      []Task
	Sequential bool // in turn instead of by weight
	Wait       Wait // instead of the behaviour's
	Loops      int  // leave after so many picks, or rounds if Sequential; 0: only by Interrupt

	// OnStart runs when a user enters. Its error skips the set; at the top it
	// ends the user. OnStop runs when a user that came past OnStart leaves,
	// also when it is stopped, with a context of its own that has a deadline.
	OnStart, OnStop func(context.Context) error
}

// Task is something a user does: a function, a request or a nested set, exactly
// one of them.
type Task struct {
	Name    string // defaults to the function's, or to the request's "GET /path"
	Weight  int    // 0 means 1
	Tags    []string
	Run     func(context.Context) error
	Request *Request
	Set     *Set
}

// Request is a request as a task of its own. It is sent as by Client.Do, and
// costs less than a function that calls it: nothing of the author's runs between
// the last reply and the next request, so that no goroutine need wait for it. It
// is not changed, and users may share one.
type Request struct {
	Method  string // GET if it is empty
	Path    string // below the base URL, or a whole URL
	Body    []byte
	Options []Option

	// Paths, if it is not empty, stands for Path: one of them each time, all as
	// often. A list of a million is one task, and costs what its text does.
	Paths []string
}

// times is how many requests it is.
func (r *Request) times() int { return max(len(r.Paths), 1) }

// timesOrNone is times, of none too.
func (r *Request) timesOrNone() int {
	if r == nil {
		return 0
	}
	return r.times()
}

// path is that of one of them.
func (r *Request) path(i int) string {
	if len(r.Paths) == 0 {
		return r.Path
	}
	return r.Paths[i]
}

func (r *Request) method() string {
	if r.Method == "" {
		return "GET"
	}
	return r.Method
}

// What a task may return to leave.
var (
	Interrupt = errors.New("leave the set")
	StopUser  = errors.New("end this user")
	StopRun   = errors.New("end the run")
)

// outline is a Set as users walk it: with names, rows and without what was
// filtered out. Users share it, each with a Set of its own.
type outline struct {
	tasks []planned
	of    []Task // the Set's
	loops int    // Set.Loops, for who looks at the outline alone
	deep  bool   // there are nested sets
	upTo  []int  // the sum of the weights up to each task
	once  []int  // … of how many requests they are
}

type planned struct {
	at     int // in Set.Tasks
	weight int
	given  string   // the author's name for it
	bare   string   // that, or what stands in for it
	name   string   // unique in the behaviour
	set    *outline // of a nested set
	index  int      // of its row
}

// fits says whether the outline is one of that Set, too.
func (p *outline) fits(s *Set) bool {
	switch {
	case s == nil || len(s.Tasks) != len(p.of):
		return false
	case &s.Tasks[0] == &p.of[0]: // users share them
		return true
	}
	for i := range p.tasks {
		step := &p.tasks[i]
		t := &s.Tasks[step.at]
		switch {
		case t.Name != step.given || t.weight() != step.weight || t.kinds() != 1 || (t.Set == nil) != (step.set == nil):
			return false
		case t.Name == "" && t.Request != nil && t.name() != step.bare:
			return false
		case t.Set != nil && !step.set.fits(t.Set):
			return false
		}
	}
	return true
}

// Filter chooses tasks by their tags. Without Only every task is in; a task
// without tags is then out if Only is given, as in Locust.
type Filter struct {
	Only, Without []string
}

func (f Filter) lets(t *Task) bool {
	if t.Set != nil && len(t.Tags) == 0 {
		return true // its tasks are asked
	}
	for _, tag := range t.Tags {
		for _, w := range f.Without {
			if tag == w {
				return false
			}
		}
	}
	if len(f.Only) == 0 {
		return true
	}
	for _, tag := range t.Tags {
		for _, o := range f.Only {
			if tag == o {
				return true
			}
		}
	}
	return false
}

// outliner walks a user's tree of sets.
type outliner struct {
	filter Filter
	infos  []swarm.TaskInfo
	names  map[string]int
	mask   func(string) string // of names that are URLs
	deep   []*Set
}

func (p *outliner) outline(s *Set, path string) (*outline, error) {
	if s == nil {
		return nil, errors.New("func New returned no Set: return &behaviours.Set{Tasks: …}")
	}
	for _, up := range p.deep {
		if up == s {
			return nil, fmt.Errorf("set %q holds itself", path)
		}
	}
	p.deep = append(p.deep, s)
	defer func() { p.deep = p.deep[:len(p.deep)-1] }()
	if len(s.Tasks) == 0 {
		return nil, fmt.Errorf("set %q has no tasks: a user in it could do nothing", path)
	}
	out := &outline{of: s.Tasks, loops: s.Loops}
	for i := range s.Tasks {
		t := &s.Tasks[i]
		name := t.name()
		bare := name
		if t.Name == "" && t.Run == nil && t.Request != nil {
			name = t.Request.method() + " " + p.mask(t.Request.Path)
		}
		switch {
		case t.kinds() == 0:
			return nil, fmt.Errorf("task %q has neither Run nor Request nor Set", p.full(path, name))
		case t.kinds() > 1:
			return nil, fmt.Errorf("task %q has more than one of Run, Request and Set: it is one of them", p.full(path, name))
		case t.Weight < 0:
			return nil, fmt.Errorf("task %q has weight %d: it must not be below 0", p.full(path, name), t.Weight)
		}
		if !p.filter.lets(t) {
			continue
		}
		step := planned{at: i, weight: t.weight(), given: t.Name, bare: bare, name: p.unique(p.full(path, name)), index: len(p.infos)}
		p.infos = append(p.infos, swarm.TaskInfo{Name: step.name, Depth: len(p.deep) - 1, Weight: t.weight(), Set: t.Set != nil})
		if t.Set != nil {
			nested, err := p.outline(t.Set, step.name)
			if err != nil {
				return nil, err
			}
			if len(nested.tasks) == 0 { // all of it was filtered out
				p.infos = p.infos[:step.index]
				continue
			}
			step.set = nested
			out.deep = true
		}
		out.tasks = append(out.tasks, step)
	}
	total, once := 0, 0
	for i := range out.tasks {
		step := &out.tasks[i]
		total += step.weight
		once += s.Tasks[step.at].times()
		out.upTo, out.once = append(out.upTo, total), append(out.once, once)
	}
	for _, step := range out.tasks {
		info := &p.infos[step.index]
		if s.Sequential {
			info.Weight = 0
		} else {
			info.Want = 100 * float64(info.Weight) / float64(total)
		}
	}
	return out, nil
}

func (p *outliner) full(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

func (p *outliner) unique(name string) string {
	if p.names == nil {
		p.names = map[string]int{}
	}
	p.names[name]++
	if n := p.names[name]; n > 1 {
		return fmt.Sprintf("%s#%d", name, n)
	}
	return name
}

func (t *Task) weight() int {
	if t.Weight <= 0 {
		return 1
	}
	return t.Weight
}

// times is how many requests the task is one of; 1 for what is none.
func (t *Task) times() int {
	if t.Request == nil {
		return 1
	}
	return t.Request.times()
}

// kinds is how many kinds of task it is; anything but 1 is a mistake.
func (t *Task) kinds() (n int) {
	for _, is := range [...]bool{t.Run != nil, t.Request != nil, t.Set != nil} {
		if is {
			n++
		}
	}
	return n
}

func (t *Task) name() string {
	switch {
	case t.Name != "":
		return t.Name
	case t.Set != nil && t.Set.Name != "":
		return t.Set.Name
	case t.Run != nil:
		return funcName(t.Run)
	case t.Request != nil && len(t.Request.Paths) > 1:
		return fmt.Sprintf("%s one of %d", t.Request.method(), len(t.Request.Paths))
	case t.Request != nil:
		return t.Request.method() + " " + t.Request.path(0)
	}
	return "set"
}

// funcName is a function's bare name: something for (*shopper).something.
func funcName(f any) string {
	v := reflect.ValueOf(f)
	if !v.IsValid() || v.Kind() != reflect.Func || v.IsNil() {
		return "func"
	}
	name := runtime.FuncForPC(v.Pointer()).Name()
	name = strings.TrimSuffix(name, "-fm")
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	parts := strings.Split(name, ".")
	// A closure is outer.func1, or outer.gowrap2: the outer one names it.
	if len(parts) > 1 {
		last := parts[len(parts)-1]
		if strings.HasPrefix(last, "func") && strings.Trim(last[4:], "0123456789") == "" || strings.Trim(last, "0123456789") == "" {
			if outer := parts[len(parts)-2]; strings.Trim(outer, "(*)") != "" && len(parts) > 2 {
				parts = parts[:len(parts)-1]
				parts[len(parts)-1] = outer + "." + last
			}
		}
	}
	if last := parts[len(parts)-1]; last != "" {
		return last
	}
	return name
}

// Named is a copy of the list in which every behaviour has the name that it has in a run.
func Named(list []Behaviour) []Behaviour {
	out := slices.Clone(list)
	for i := range out {
		out[i].Name = out[i].name()
	}
	return out
}

func (b *Behaviour) name() string {
	if b.Name != "" {
		return b.Name
	}
	if b.New == nil {
		return "User"
	}
	name := funcName(b.New)
	if rest, ok := strings.CutPrefix(name, "new"); ok && rest != "" {
		return rest
	}
	return name
}

// Endless names the nested sets without Loops in which no task's code can be
// seen to leave: such a set keeps its users for ever unless a task in it
// returns Interrupt. Whether one does cannot be told without running it, so
// this is what a warning is made of, not an error.
func Endless(list []Behaviour) (names []string) {
	for i := range list {
		k := &kind{run: &Shared{Transport: &Transport{}}, name: list[i].name(), make: list[i].New}
		if root, err := k.look(); err == nil {
			for _, name := range root.endless() {
				names = append(names, k.name+"/"+name)
			}
		}
	}
	return names
}

func (p *outline) endless() (names []string) {
	for _, step := range p.tasks {
		if step.set == nil {
			continue
		}
		if step.set.loops == 0 {
			names = append(names, step.name)
		}
		names = append(names, step.set.endless()...)
	}
	return names
}
