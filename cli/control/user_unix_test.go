//go:build unix

package control

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestAnotherUserIsRefused by the system: neither the socket nor the token is theirs to open.
// It needs to be root, to be somebody else.
func TestAnotherUserIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	run, dir := serving(t)
	k := cardOf(t, dir)
	for _, script := range []string{
		"cat " + dir + "/" + tokenName,
		"ls " + dir,
		"curl -sS --unix-socket " + k.Socket + " -H 'Authorization: Bearer " + k.Token + "' http://run/status",
	} {
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err == nil || strings.Contains(string(out), "RUNNING") || strings.Contains(string(out), k.Token) {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
	if run.count() != 0 {
		t.Errorf("it was told %v", run.list)
	}
}
