package requests

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"tload/stats"
)

// EnvFiles are the files of variables that lie beside a .http file: those that a team shares,
// and those of one person, which win.
var EnvFiles = []string{"http-client.env.json", "http-client.private.env.json"}

// shared is the environment whose variables all others have too.
const shared = "$shared"

// environment are the variables of the files beside path, of the environment of that name
// and of the shared one; without a name of the shared one alone. names are those that there
// are.
func environment(path, name string, note func(string)) (vars map[string]string, names []string, err error) {
	vars, all, there := map[string]string{}, map[string]bool{}, false
	for _, file := range EnvFiles {
		file = filepath.Join(filepath.Dir(path), file)
		text, err := Read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var envs map[string]map[string]any
		if err == nil {
			err = json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &envs)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w: {\"dev\": {\"host\": \"http://…\"}} is expected", file, err)
		}
		there = true
		for env := range envs {
			all[env] = env != shared
		}
		for _, env := range []string{shared, name} {
			for _, key := range slices.Sorted(maps.Keys(envs[env])) {
				switch v := envs[env][key].(type) {
				case string:
					vars[key] = v
				case bool, float64:
					b, _ := json.Marshal(v)
					vars[key] = string(b)
				default:
					note(fmt.Sprintf("%s: %s of %s is neither a text nor a number, and is passed over", file, key, env))
				}
			}
		}
	}
	for env, own := range all {
		if own {
			names = append(names, env)
		}
	}
	slices.Sort(names)
	switch {
	case name == "" || slices.Contains(names, name):
		return vars, names, nil
	case !there:
		return nil, nil, fmt.Errorf("--env %s: there is no %s beside %s", name, EnvFiles[0], path)
	}
	if best := stats.Nearest(name, names); best != "" {
		return nil, nil, fmt.Errorf("--env %s: there is no such environment (did you mean %s?)", name, best)
	}
	return nil, nil, fmt.Errorf("--env %s: there is no such environment: %s are", name, strings.Join(names, ", "))
}
