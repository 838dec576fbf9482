package main

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"tload/behaviours"
	"tload/behaviours/servertest"
)

func TestVisits(t *testing.T) {
	addr := servertest.Redis(t)
	if err := behaviours.Run(t.Context(), counter(addr), "", 100); err != nil {
		t.Error(err)
	}
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	visits, _ := c.Get(t.Context(), "visits:1").Int()
	if visits < 50 || visits > 95 {
		t.Errorf("visits: the server counted %d of 100 tasks, want about 75", visits)
	}
	if info := c.Info(t.Context(), "commandstats").Val(); !strings.Contains(info, "cmdstat_incr:calls=") {
		t.Errorf("no INCR was seen: %s", info)
	}
}
