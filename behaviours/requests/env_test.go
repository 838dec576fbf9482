package requests_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tload/behaviours/requests"
)

// TestEnvironments are the variables of the files beside a .http file: the shared ones, those
// of the one that is asked for, of which a person's own win, and the file's own above all.
func TestEnvironments(t *testing.T) {
	w := newWire(t)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("http-client.env.json", "\ufeff"+`{"$shared":{"v":"1","team":"red"},"dev":{"user":"ann","n":7,"on":true,"team":"blue","SSLConfiguration":{"x":1}},"prod":{"user":"eve"}}`)
	write("http-client.private.env.json", `{"dev":{"user":"bob"}}`)
	path := filepath.Join(dir, "x.http")
	write("x.http", "@v = 2\nGET /{{user}}/{{n}}/{{on}}/{{team}}/{{v}}\n")
	var notes []string
	b, err := requests.Options{Env: "dev", Note: func(s string) { notes = append(notes, s) }}.File(path)
	if err != nil {
		t.Fatal(err)
	}
	runUsers(t, w.URL, b, 1, 1)
	if all := strings.Join(w.take(), "\n"); !strings.Contains(all, "/bob/7/true/blue/2 ") {
		t.Errorf("the server saw %s", all)
	}
	if all := strings.Join(notes, "\n"); !strings.Contains(all, "SSLConfiguration of dev is neither a text nor a number") {
		t.Errorf("passed over in silence: %q", notes)
	}
	for env, want := range map[string]string{
		"":        `unknown variable "user" (@user = … above its use defines it, or --env NAME: dev, prod)`,
		"dv":      "did you mean dev?",
		"staging": "there is no such environment: dev, prod are",
		"prod":    `unknown variable "n"`,
	} {
		if _, err := (requests.Options{Env: env}).File(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--env %s: %v, want %q", env, err, want)
		}
	}
	write("http-client.env.json", "{")
	if _, err := requests.File(path, nil); err == nil || !strings.Contains(err.Error(), "http-client.env.json") {
		t.Errorf("a damaged file: %v", err)
	}
	os.Remove(filepath.Join(dir, "http-client.env.json"))
	os.Remove(filepath.Join(dir, "http-client.private.env.json"))
	if _, err := (requests.Options{Env: "dev"}).File(path); err == nil || !strings.Contains(err.Error(), "there is no http-client.env.json beside") {
		t.Errorf("no file: %v", err)
	}
}

// TestDirectivesOfOtherTools are passed over and named, but for one with a slip in it; one
// that is disabled is not sent; one that an editor would ask for says so.
func TestDirectivesOfOtherTools(t *testing.T) {
	w := newWire(t)
	const text = "# @loop for 3\n# @title x\nGET /a\n\n###\n# @disabled\nGET /b\n\n###\nGET /c\n"
	var notes []string
	b, err := requests.Options{Note: func(s string) { notes = append(notes, s) }}.Text("x.http", text)
	if err != nil {
		t.Fatal(err)
	}
	runUsers(t, w.URL, b, 1, 20)
	if all := strings.Join(w.take(), "\n"); !strings.Contains(all, "/a ") || !strings.Contains(all, "/c ") || strings.Contains(all, "/b ") {
		t.Errorf("the server saw %s", all)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "x.http:1:3: @loop is none of tload's directives") {
		t.Errorf("notes %q", notes)
	}
	for text, want := range map[string]string{
		"# @exepct 200\nGET /\n":                   "did you mean @expect?",
		"# @prompt user the name\nGET /{{user}}\n": "an editor asks for (@prompt): write @user = …",
		"# @prompt\nGET /\n":                       "needs the name of a variable",
	} {
		if _, err := requests.Text("x.http", text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
