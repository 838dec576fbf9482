package behaviours

import "tload/stats"

// Count adds n to what the run counts under that name, such as the tickets that were sold
// out: a row of its own on the Stats screen and in the reports, and a threshold for
// --fail-if 'sold out>10' or 'sold out>2/s'. The name is the run's, not the behaviour's: all
// that count it add up, over workers too. An n of 0 is a call that adds nothing; below 0 it
// is ignored. It does not block.
func (u *User) Count(name string, n int64) {
	if u.user == nil || n < 0 { // a behaviour that is only looked at
		return
	}
	u.user.Sink.Record(u.user.Sink.Meter(stats.Key{Class: stats.Counter, Name: name}), stats.Sample{In: n})
}

// Rate counts how often of all calls something was so: it is Count with 1 or 0, for a
// threshold on the share, such as --fail-if 'cache hit<90%'.
func (u *User) Rate(name string, yes bool) {
	n := int64(0)
	if yes {
		n = 1
	}
	u.Count(name, n)
}
