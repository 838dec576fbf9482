package main

import (
	"database/sql"
	"testing"
	"time"

	"tload/behaviours"
	"tload/behaviours/servertest"
)

func TestNoMoneyIsMade(t *testing.T) {
	db, err := sql.Open("pgx", servertest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for end := time.Now().Add(20 * time.Second); db.Ping() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("PostgreSQL does not answer: ", db.Ping())
		}
	}
	if _, err := db.Exec("CREATE TABLE accounts (id int PRIMARY KEY, balance int); INSERT INTO accounts VALUES (1, 0), (2, 0)"); err != nil {
		t.Fatal(err)
	}
	if err := behaviours.Run(t.Context(), banker(db), "", 60); err != nil {
		t.Error(err)
	}
	var sum, moved int
	if err := db.QueryRow("SELECT sum(balance), max(balance) FROM accounts").Scan(&sum, &moved); err != nil || sum != 0 || moved < 30 {
		t.Errorf("sum %d, moved %d, %v; want 0 and about 45", sum, moved, err)
	}
}
