//go:build unix

package build

import (
	"fmt"
	"os"
	"syscall"
)

// become makes this process the other program: one process on the screen.
func become(bin string, args []string) error {
	return fmt.Errorf("%s: %w", bin, syscall.Exec(bin, append([]string{bin}, args...), os.Environ()))
}
