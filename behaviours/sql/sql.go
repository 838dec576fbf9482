// Package sql measures statements of any database/sql driver.
//
//	db := tsql.New(u, pool) // a *sql.DB, shared by the users
//	rows, err := db.Query(ctx, "orders by user", "SELECT … WHERE user = $1", u.ID())
package sql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"tload/behaviours"
)

// DB measures the statements of one user.
type DB struct {
	u  *behaviours.User
	db *sql.DB
}

// New makes a DB of a pool of connections, which users may share: waiting for
// a connection is part of a statement's time, as it is for a program.
func New(u *behaviours.User, db *sql.DB) *DB { return &DB{u, db} }

// Exec runs a statement and returns how many rows it affected, -1 where the
// driver does not say.
func (d *DB) Exec(ctx context.Context, name, statement string, args ...any) (affected int64, err error) {
	affected = -1
	err = d.measure(ctx, name, statement, args, func(ctx context.Context) error {
		result, err := d.db.ExecContext(ctx, statement, args...)
		if err == nil {
			if n, err := result.RowsAffected(); err == nil {
				affected = n
			}
		}
		return err
	})
	return affected, err
}

// Query runs a query and reads all rows, each as the values of its columns.
func (d *DB) Query(ctx context.Context, name, statement string, args ...any) (rows [][]any, err error) {
	err = d.measure(ctx, name, statement, args, func(ctx context.Context) error {
		cursor, err := d.db.QueryContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		defer cursor.Close()
		columns, err := cursor.Columns()
		if err != nil {
			return err
		}
		for cursor.Next() {
			row := make([]any, len(columns))
			to := make([]any, len(columns))
			for i := range row {
				to[i] = &row[i]
			}
			if err := cursor.Scan(to...); err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return cursor.Err()
	})
	return rows, err
}

// Tx runs fn in a transaction, measured as one: it commits if fn returns nil
// and rolls back otherwise.
func (d *DB) Tx(ctx context.Context, name string, fn func(context.Context, *sql.Tx) error) error {
	return d.measure(ctx, name, "", nil, func(ctx context.Context) error {
		tx, err := d.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := fn(ctx, tx); err != nil {
			tx.Rollback()
			return err
		}
		return tx.Commit()
	})
}

func (d *DB) measure(ctx context.Context, name, statement string, args []any, fn func(context.Context) error) error {
	return d.u.MeasureCall(ctx, "sql", name, func(ctx context.Context, call *behaviours.Call) error {
		err := fn(ctx)
		if err != nil {
			call.Request = describe(statement, args)
			call.Response = []byte(err.Error())
		}
		return err
	})
}

// describe is the statement and its arguments, for the errors view.
func describe(statement string, args []any) []byte {
	var b strings.Builder
	b.WriteString(statement)
	for i, a := range args {
		fmt.Fprintf(&b, "\n-- %d: %v", i+1, a)
	}
	return []byte(b.String())
}
