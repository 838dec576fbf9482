package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"tload/behaviours"
	"tload/behaviours/servertest"
	tsql "tload/behaviours/sql"
)

func TestStatements(t *testing.T) {
	url := servertest.Postgres(t)
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
