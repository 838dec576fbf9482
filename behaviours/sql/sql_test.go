package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"tload/behaviours"
	tsql "tload/behaviours/sql"
)

// server starts a PostgreSQL of the test's own and returns how to reach it.
func server(t *testing.T) string {
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(bins) == 0 {
		if os.Getenv("TLOAD_CI") != "" {
			t.Fatal("PostgreSQL is needed and not here")
		}
		t.Skip("PostgreSQL's initdb is needed: install it to run this test")
	}
	bin := filepath.Dir(slices.Max(bins))
	dir, err := os.MkdirTemp("", "tload-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// It refuses to run as root.
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("no user postgres to run it as")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.SysProcAttr, c.Dir = attr, dir
		return c
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := command("postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", dir, "-F")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGQUIT); cmd.Wait() })
	return fmt.Sprintf("postgres://tester@127.0.0.1:%s/postgres?sslmode=disable", port)
}

func TestStatements(t *testing.T) {
	url := server(t)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for end := time.Now().Add(20 * time.Second); db.Ping() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("PostgreSQL does not answer: ", db.Ping())
		}
	}
	if _, err := db.Exec("CREATE TABLE orders (id serial PRIMARY KEY, item text NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	b := behaviours.Behaviour{Name: "sql", New: func(u *behaviours.User) *behaviours.Set {
		d := tsql.New(u, db)
		return &behaviours.Set{Sequential: true, Tasks: []behaviours.Task{
			{Name: "insert", Run: func(ctx context.Context) error {
				n, err := d.Exec(ctx, "new order", "INSERT INTO orders (item) VALUES ($1)", "shoe")
				if err == nil && n != 1 {
					return fmt.Errorf("%d rows affected", n)
				}
				return err
			}},
			{Name: "select", Run: func(ctx context.Context) error {
				rows, err := d.Query(ctx, "orders", "SELECT id, item FROM orders")
				if err == nil && (len(rows) == 0 || rows[0][1] != "shoe") {
					return fmt.Errorf("got %v", rows)
				}
				return err
			}},
			{Name: "undo", Run: func(ctx context.Context) error {
				d.Tx(ctx, "cancelled order", func(ctx context.Context, tx *sql.Tx) error {
					if _, err := tx.ExecContext(ctx, "INSERT INTO orders (item) VALUES ('hat')"); err != nil {
						return err
					}
					return fmt.Errorf("changed my mind")
				})
				return nil
			}},
			{Name: "wrong", Run: func(ctx context.Context) error {
				_, err := d.Exec(ctx, "bad order", "INSERT INTO orders (item) VALUES ($1)", nil)
				return err
			}},
		}}
	}}
	err = behaviours.Run(t.Context(), b, "", 40)
	for _, want := range []string{"ERROR sql bad order", "not-null constraint", "(10 times)", "ERROR sql cancelled order: changed my mind"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	var n int
	if err := db.QueryRow("SELECT count(*) FROM orders").Scan(&n); err != nil || n != 10 {
		t.Errorf("rows in the table: got %d, %v; want 10", n, err)
	}
}
