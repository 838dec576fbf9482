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

// shellCommands are the simple commands of a script, as far as copied curl lines go:
// what is done with a reply (| jq, > file) is left out, and what only a shell could
// know is an error.
func shellCommands(path, text string) (list [][]word, err error) {
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

func statement(path string, s *syntax.Stmt) ([][]word, error) {
	for _, r := range s.Redirs {
		switch r.Op {
		case syntax.RdrOut, syntax.AppOut, syntax.RdrAll, syntax.AppAll, syntax.DplOut, syntax.RdrClob:
		default:
			return nil, where(path, r.OpPos).errorf("%s: what a command reads is not understood: write it as the value of --data-raw", r.Op)
		}
	}
	switch c := s.Cmd.(type) {
	case nil:
		return nil, nil
	case *syntax.BinaryCmd:
		list, err := statement(path, c.X)
		if err != nil || c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
			return list, err
		}
		more, err := statement(path, c.Y)
		return append(list, more...), err
	case *syntax.CallExpr:
		words, err := wordsOf(path, c)
		if err != nil || len(words) == 0 {
			return nil, err
		}
		return [][]word{words}, nil
	}
	return nil, where(path, s.Pos()).errorf("only curl commands are expected, one after the other")
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
