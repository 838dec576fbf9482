// SQL: a transfer between two accounts in PostgreSQL, and a look at the sum.
// Any driver of database/sql works the same way.
//
//	DATABASE_URL=postgres://localhost/bank go run ./examples/postgres -u 10 -t 30s
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"

	_ "github.com/jackc/pgx/v5/stdlib"

	"tload/behaviours"
	tsql "tload/behaviours/sql"
	"tload/cli"
)

func main() {
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	cli.Main(banker(db))
}

// banker needs a table accounts (id int primary key, balance int).
func banker(db *sql.DB) behaviours.Behaviour {
	return behaviours.Behaviour{
		Name: "Banker",
		Wait: behaviours.Throughput(5),
		New: func(u *behaviours.User) *behaviours.Set {
			d := tsql.New(u, db)
			return &behaviours.Set{Tasks: []behaviours.Task{
				{Name: "transfer", Weight: 3, Run: func(ctx context.Context) error {
					return d.Tx(ctx, "transfer", func(ctx context.Context, tx *sql.Tx) error {
						if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance - 1 WHERE id = 1"); err != nil {
							return err
						}
						_, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + 1 WHERE id = 2")
						return err
					})
				}},
				{Name: "audit", Run: func(ctx context.Context) error {
					rows, err := d.Query(ctx, "audit", "SELECT sum(balance) FROM accounts")
					if err == nil && fmt.Sprint(rows[0][0]) != "0" {
						return fmt.Errorf("money was made: %v", rows[0][0])
					}
					return err
				}},
			}}
		},
	}
}
