package cli

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"tload/stats/report"
	"tload/swarm"
)

// TestARecordKeepsAllOfARun fills every field of a run and reads it back: what is
// added to a snapshot is in the record too, or named here as what is not.
func TestARecordKeepsAllOfARun(t *testing.T) {
	var s swarm.Snapshot
	n := 0
	fill(reflect.ValueOf(&s).Elem(), &n)
	s.State, s.Err, s.Snapshot = swarm.Stopped, nil, nil
	s.Running, s.Stopping, s.Backlog, s.Doing = 0, 0, 0, swarm.Doing{} // nobody is there when a run is looked at again
	s.Invite = ""                                                      // nor does anybody join it
	meta := report.Meta{Exit: s.Reason, Host: s.Host, RunID: s.RunID, Seed: s.Seed, Started: s.Started, Rate: s.Rate, Peak: s.Peak}
	b, err := json.Marshal(recordOf(meta, &s))
	if err != nil {
		t.Fatal(err)
	}
	var back record
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if got := back.run(); !reflect.DeepEqual(got, &s) {
		t.Errorf("got  %+v\nwant %+v", got, &s)
	}
}

// fill gives every field a value of its own.
func fill(v reflect.Value, n *int) {
	*n++
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Unix(int64(*n), 0).UTC()
		return
	case *time.Duration:
		*x = time.Duration(*n) * 1234567 * time.Microsecond
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.String:
		v.SetString(string(rune('a'+*n%26)) + "x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.5)
	}
}
