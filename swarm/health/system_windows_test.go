package health

import "testing"

func lowerFileLimit(t *testing.T, to int) func() {
	t.Skip("there is no such limit here")
	return nil
}
