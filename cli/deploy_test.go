//go:build unix

package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// deployed is what the files in deploy say of the program: each starts a master or a
// worker by a line that the program takes.
func deployed(t *testing.T, where string, args []string) *settings {
	t.Helper()
	p := program{args: args, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	s, err := p.parse(args, nil)
	if err != nil {
		t.Errorf("%s: %q: %v", where, args, err)
		return nil
	}
	switch {
	case s.master == s.worker:
		t.Errorf("%s: %q is neither a master nor a worker", where, args)
	case s.worker && s.masterHost == "":
		t.Errorf("%s: %q does not say where the master is", where, args)
	case s.token != "":
		t.Errorf("%s: %q has a token that everybody can see", where, args)
	}
	return s
}

// open reads a file of deploy as YAML documents into out, which a func makes.
func documents(t *testing.T, name string, each func(d *yaml.Node)) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	for in := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var d yaml.Node
		switch err := in.Decode(&d); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.Fatalf("%s: %v", name, err)
		}
		each(&d)
	}
}

func TestDeployOnKubernetes(t *testing.T) {
	type object struct {
		Kind string
		Spec struct {
			Selector any
			Ports    []struct{ Port int }
			Template struct {
				Metadata struct{ Labels map[string]string }
				Spec     struct {
					RestartPolicy                 string         `yaml:"restartPolicy"`
					TerminationGracePeriodSeconds int            `yaml:"terminationGracePeriodSeconds"`
					AutomountServiceAccountToken  *bool          `yaml:"automountServiceAccountToken"`
					SecurityContext               map[string]any `yaml:"securityContext"`
					Containers                    []struct {
						Args            []string
						Resources       struct{ Requests map[string]string }
						SecurityContext map[string]any `yaml:"securityContext"`
						VolumeMounts    []struct {
							Name      string
							MountPath string `yaml:"mountPath"`
						} `yaml:"volumeMounts"`
						Env []struct {
							Name, Value string
							ValueFrom   map[string]any `yaml:"valueFrom"`
						}
					}
					Volumes []struct{ Name string }
				}
			}
		}
	}
	kinds := map[string]object{}
	documents(t, "kubernetes.yaml", func(d *yaml.Node) {
		var o object
		if err := d.Decode(&o); err != nil {
			t.Fatal(err)
		}
		kinds[o.Kind] = o
	})
	for kind, master := range map[string]bool{"Job": true, "Deployment": false} {
		spec := kinds[kind].Spec.Template.Spec
		if len(spec.Containers) != 1 {
			t.Fatalf("%s: %d containers", kind, len(spec.Containers))
		}
		c := spec.Containers[0]
		s := deployed(t, kind, c.Args)
		if s == nil {
			continue
		}
		if s.master != master || master && (!s.headless || s.runTime == 0) {
			t.Errorf("%s: %q", kind, c.Args)
		}
		if spec.SecurityContext["runAsNonRoot"] != true || c.SecurityContext["readOnlyRootFilesystem"] != true || spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
			t.Errorf("%s: it may do more than it needs", kind)
		}
		if grace := time.Duration(spec.TerminationGracePeriodSeconds) * time.Second; grace < 2*time.Duration(s.stopTimeout)+20*time.Second {
			t.Errorf("%s: %v is too short for users to finish their tasks", kind, grace)
		}
		if c.Resources.Requests["cpu"] == "" || c.Resources.Requests["memory"] == "" {
			t.Errorf("%s: it does not say what it needs", kind)
		}
		var volumes []string
		for _, v := range spec.Volumes {
			volumes = append(volumes, v.Name)
		}
		for _, m := range c.VolumeMounts {
			if !strings.Contains(" "+strings.Join(volumes, " ")+" ", " "+m.Name+" ") {
				t.Errorf("%s: no volume %s", kind, m.Name)
			}
		}
		for _, e := range c.Env {
			if e.Name == "TLOAD_TOKEN" && e.Value != "" {
				t.Errorf("%s: a token in a file", kind)
			}
		}
		if !master {
			host, port, ok := strings.Cut(s.masterHost, ":")
			if !ok || host != "tload-master" || len(kinds["Service"].Spec.Ports) != 1 || port != "7467" || kinds["Service"].Spec.Ports[0].Port != 7467 {
				t.Errorf("workers dial %s, the service is %v", s.masterHost, kinds["Service"].Spec.Ports)
			}
		}
	}
}

func TestDeployWithCompose(t *testing.T) {
	documents(t, "compose.yaml", func(d *yaml.Node) {
		var file struct {
			Services map[string]struct {
				Command     []string
				Environment map[string]string
				ReadOnly    bool     `yaml:"read_only"`
				CapDrop     []string `yaml:"cap_drop"`
			}
		}
		if err := d.Decode(&file); err != nil {
			t.Fatal(err)
		}
		if len(file.Services) != 2 {
			t.Errorf("%d services", len(file.Services))
		}
		for name, c := range file.Services {
			s := deployed(t, name, c.Command)
			if s == nil {
				continue
			}
			if s.master != (name == "master") || !c.ReadOnly || len(c.CapDrop) == 0 {
				t.Errorf("%s: %+v", name, c)
			}
			if token := c.Environment["TLOAD_TOKEN"]; s.worker && !strings.HasPrefix(token, "${TLOAD_TOKEN:?") {
				t.Errorf("%s: token %q", name, token)
			}
		}
	})
}

func TestDeployAsAUnit(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "deploy", "tload-worker.service"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ExecStart=(\S+) (.*)$`).FindStringSubmatch(string(b))
	if line == nil {
		t.Fatal("no ExecStart")
	}
	if s := deployed(t, "unit", strings.Fields(line[2])); s != nil && s.tokenFile == "" {
		t.Error("the unit has no file with the token")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return // what systemd says of it, only where it is
	}
	bin, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tload-worker.service")
	os.WriteFile(path, []byte(strings.ReplaceAll(string(b), line[1], bin)), 0o644)
	if out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput(); err != nil || strings.Contains(string(out), "tload-worker.service:") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestDeployOverSSH runs the loop with an ssh that is a shell here.
func TestDeployOverSSH(t *testing.T) {
	f := newFleet(t)
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	fake := filepath.Join(f.dir, "bin")
	os.Mkdir(fake, 0o755)
	// Each copies to a box of its own: two that make one file at once do not both.
	for name, script := range map[string]string{
		"ssh": `shift; cd "$FAKE"; exec bash -c "$*"`,
		"scp": `cp "$2" "$FAKE/copied.$$"`,
	} {
		os.WriteFile(filepath.Join(fake, name), []byte("#!/bin/bash\n"+script+"\n"), 0o755)
	}
	script, err := os.ReadFile(filepath.Join("..", "deploy", "workers.sh"))
	if err != nil {
		t.Fatal(err)
	}
	// What is copied lies on a box of its own there, and here on the only one.
	path := filepath.Join(f.dir, "workers.sh")
	os.WriteFile(path, bytes.ReplaceAll(script, []byte("\t\t/tmp/tload-worker"), []byte("\t\t"+bin)), 0o755)
	m := f.master("-u", "4", "-r", "100", "--expect-workers", "2", "-t", "3s")
	cmd := exec.Command("bash", path, "127.0.0.1:"+f.port, "box1", "user@box2")
	cmd.Env = append(os.Environ(), "PATH="+fake+":"+os.Getenv("PATH"), "TLOAD="+bin, "TLOAD_TOKEN="+f.token, "FAKE="+f.dir)
	done := make(chan error, 1)
	var out []byte
	go func() {
		var err error
		out, err = cmd.CombinedOutput()
		done <- err
	}()
	m.wait(30 * time.Second)
	select {
	case err = <-done:
	case <-time.After(20 * time.Second):
		cmd.Process.Kill()
		t.Fatal("the loop does not end with the run")
	}
	if err != nil || strings.Count(string(out), "the run is over") != 2 || !strings.Contains(string(out), "user@box2: ") || strings.Contains(string(out), f.token) {
		t.Errorf("%v\n%s", err, out)
	}
	f.whole()
}
