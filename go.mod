module tload

go 1.26
