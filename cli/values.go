package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// seconds is a duration flag that also takes a bare number of seconds.
type seconds time.Duration

func (d *seconds) String() string {
	if *d == 0 {
		return ""
	}
	s := time.Duration(*d).String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func (d *seconds) Type() string { return "D" }

func (d *seconds) Set(text string) error {
	v, err := parseDuration(text)
	if err == nil {
		*d = seconds(v)
	}
	return err
}

func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(n, 'f', -1, 64) + "s" // "NaNs" is no duration
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("a duration such as 20, 20s, 3m or 1h20m is expected")
	}
	return d, nil
}

// rate is so many per second, or per another unit: 500, 500/s, 30k/m.
type rate float64

func (r *rate) String() string {
	if *r == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*r), 'g', -1, 64)
}

func (r *rate) Type() string { return "R" }

func (r *rate) Set(text string) error {
	number, unit, _ := strings.Cut(strings.TrimSpace(text), "/")
	per := map[string]float64{"": 1, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}[unit]
	scale := 1.0
	if k, ok := strings.CutSuffix(strings.ToLower(number), "k"); ok {
		number, scale = k, 1000
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || per == 0 || !(n*scale/per > 0 && n*scale/per <= 1e7) { // so written, NaN is refused too
		return fmt.Errorf("a rate above 0 such as 500, 500/s or 30k/m is expected")
	}
	*r = rate(n * scale / per)
	return nil
}

// size is a number of bytes: 4096, 256KiB, 1MB.
type size int64

func (s *size) String() string {
	n := int64(*s)
	for _, u := range []struct {
		name string
		n    int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.n && n%u.n == 0 {
			return fmt.Sprintf("%d%s", n/u.n, u.name)
		}
	}
	return strconv.FormatInt(n, 10)
}

func (s *size) Type() string { return "SIZE" }

func (s *size) Set(text string) error {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit := strings.ToLower(text[len(number):])
	per := map[string]float64{"": 1, "b": 1, "k": 1 << 10, "kib": 1 << 10, "kb": 1e3, "m": 1 << 20, "mib": 1 << 20, "mb": 1e6, "g": 1 << 30, "gib": 1 << 30, "gb": 1e9}[unit]
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || per == 0 || !(n >= 0 && n*per <= 1<<40) {
		return fmt.Errorf("a size such as 4096, 256KiB or 1MB is expected")
	}
	*s = size(n * per)
	return nil
}

// count is a whole number of at least 1.
type count int64

func (c *count) String() string {
	if *c == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*c), 10)
}

func (c *count) Type() string { return "N" }

func (c *count) Set(text string) error {
	n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
	if err != nil || n < 1 {
		return fmt.Errorf("a whole number of at least 1 is expected, such as 100")
	}
	*c = count(n)
	return nil
}

// choice is one of a few words.
type choice struct {
	value string
	from  []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.from, "|") }

func (c *choice) Set(text string) error {
	for _, f := range c.from {
		if f == text {
			c.value = text
			return nil
		}
	}
	return fmt.Errorf("one of %s is expected", strings.Join(c.from, ", "))
}
