package requests

import (
	"errors"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// word is one argument of a command.
type word struct {
	text string
	at   place
}

// command is a simple command, and what it reads; nil for what is not known.
type command struct {
	words []word
	input *string
}

// shellCommands are the simple commands of a script, as far as copied curl lines go:
// what is done with a reply (| jq, > file) is left out, what is put into a request
// (echo … |, <<EOF) is read, and what only a shell could know is an error.
func shellCommands(path, text string) (list []command, err error) {
	if strings.Contains(text, `^"`) && !strings.ContainsAny(text, "'") {
		return nil, place{path, 1, 1}.errorf("this is a line for the command prompt of Windows: have it copied as cURL (bash)")
	}
	script, err := syntax.NewParser().Parse(strings.NewReader(strings.ReplaceAll(text, "\r\n", "\n")), "")
	if err != nil {
		var at syntax.ParseError
		var lang syntax.LangError
		switch {
		case errors.As(err, &at):
			return nil, where(path, at.Pos).errorf("%s", at.Text)
		case errors.As(err, &lang):
			return nil, where(path, lang.Pos).errorf("%s is not understood", lang.Feature)
		}
		return nil, place{path, 1, 1}.errorf("%v", err)
	}
	for _, s := range script.Stmts {
		more, err := statement(path, s)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

func where(path string, p syntax.Pos) place { return place{path, int(p.Line()), int(p.Col())} }

func statement(path string, s *syntax.Stmt) ([]command, error) {
	var input *string
	for _, r := range s.Redirs {
		var text string
		var err error
		switch r.Op {
		case syntax.RdrOut, syntax.AppOut, syntax.RdrAll, syntax.AppAll, syntax.DplOut, syntax.RdrClob:
			continue
		case syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
			w, end := r.Hdoc, ""
			if r.Op == syntax.WordHdoc {
				w, end = r.Word, "\n"
			}
			if w == nil {
				break
			}
			if text, err = literal(path, w); err != nil {
				return nil, err
			}
			text += end
		case syntax.RdrIn:
			name, err := literal(path, r.Word)
			if err == nil {
				text, err = Read(name)
			}
			if err != nil {
				return nil, where(path, r.OpPos).errorf("< %s: %v", shorten(name), err)
			}
		default:
			return nil, where(path, r.OpPos).errorf("%s: what a command reads is not understood: write it as the value of --data-raw", r.Op)
		}
		input = &text
	}
	switch c := s.Cmd.(type) {
	case nil:
		return nil, nil
	case *syntax.BinaryCmd:
		if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
			return pipe(path, c)
		}
		list, err := statement(path, c.X)
		if err != nil {
			return list, err
		}
		more, err := statement(path, c.Y)
		return append(list, more...), err
	case *syntax.CallExpr:
		words, err := wordsOf(path, c)
		if err != nil || len(words) == 0 {
			return nil, err
		}
		return []command{{words, input}}, nil
	}
	return nil, where(path, s.Pos()).errorf("only curl commands are expected, one after the other")
}

// pipe is a curl command whose reply goes elsewhere, or one that reads what is printed
// before it.
func pipe(path string, c *syntax.BinaryCmd) ([]command, error) {
	list, err := statement(path, c.X)
	if err != nil || len(list) == 0 || list[len(list)-1].words[0].text == "curl" {
		if err == nil && startsCurl(c.Y) {
			return nil, where(path, c.OpPos).errorf("what the first command answers is not known: write it as the value of --data-raw")
		}
		return list, err
	}
	if !startsCurl(c.Y) {
		return nil, list[0].words[0].at.errorf("%q is no curl command (an address with & in it stands between quotes)", shorten(list[0].words[0].text))
	}
	text, err := printed(&list[len(list)-1])
	if err != nil {
		return nil, err
	}
	behind, err := statement(path, c.Y)
	if len(behind) > 0 && behind[0].input == nil {
		behind[0].input = &text
	}
	return behind, err
}

func startsCurl(s *syntax.Stmt) bool {
	call, ok := s.Cmd.(*syntax.CallExpr)
	return ok && len(call.Args) > 0 && call.Args[0].Lit() == "curl"
}

// printed is what echo, printf of a text, and cat print.
func printed(c *command) (string, error) {
	var args []string
	for _, w := range c.words[1:] {
		args = append(args, w.text)
	}
	at, name := c.words[0].at, c.words[0].text
	switch {
	case name == "echo" && len(args) > 0 && args[0] == "-n":
		return strings.Join(args[1:], " "), nil
	case name == "echo" && (len(args) == 0 || !strings.HasPrefix(args[0], "-")):
		return strings.Join(args, " ") + "\n", nil
	case name == "printf" && len(args) == 1 && !strings.ContainsAny(args[0], `%\`):
		return args[0], nil
	case name == "printf" && len(args) == 2 && args[0] == "%s":
		return args[1], nil
	case name == "cat" && len(args) == 0 && c.input != nil:
		return *c.input, nil
	case name == "cat" && len(args) > 0:
		var b strings.Builder
		for _, name := range args {
			text, err := Read(name)
			if err != nil {
				return "", at.errorf("cat: %v", err)
			}
			b.WriteString(text)
		}
		return b.String(), nil
	}
	return "", at.errorf("what %s prints is not known: write it as the value of --data-raw", shorten(name))
}

// literal is a word that needs no shell.
func literal(path string, w *syntax.Word) (string, error) {
	if err := plainWord(path, w.Parts); err != nil {
		return "", err
	}
	text, err := expand.Literal(nil, w)
	if err != nil {
		return "", where(path, w.Pos()).errorf("%v", err)
	}
	return text, nil
}

func wordsOf(path string, c *syntax.CallExpr) (list []word, err error) {
	for _, a := range c.Assigns {
		return nil, where(path, a.Pos()).errorf("%s=… is no curl command (an address with & in it stands between quotes)", a.Name.Value)
	}
	for _, w := range c.Args {
		at := where(path, w.Pos())
		if err := plainWord(path, w.Parts); err != nil {
			return nil, err
		}
		text, err := expand.Literal(nil, w)
		if err != nil {
			return nil, at.errorf("%v", err)
		}
		list = append(list, word{text, at})
	}
	if len(list) > 1 && list[0].text == "$" { // the prompt of documentation
		list = list[1:]
	}
	return list, nil
}

// plainWord says what in a word only a shell could know.
func plainWord(path string, parts []syntax.WordPart) error {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit, *syntax.SglQuoted:
		case *syntax.DblQuoted:
			if err := plainWord(path, p.Parts); err != nil {
				return err
			}
		case *syntax.ParamExp:
			name := ""
			if p.Param != nil {
				name = p.Param.Value
			}
			return where(path, p.Pos()).errorf("$%s is a variable of the shell: write its value", name)
		default:
			return where(path, p.Pos()).errorf("only a shell knows what this stands for: write its value")
		}
	}
	return nil
}
