package stats

import "strings"

// Nearest is the name that a person may have meant by word: one that begins
// with it, or the one with the fewest letters to change; "" if none is near.
func Nearest(word string, names []string) string {
	word = strings.ToLower(word)
	best, distance := "", min(len(word)/2, 3)+1
	for _, name := range names {
		lower := strings.ToLower(name)
		d := EditDistance(word, lower)
		if strings.HasPrefix(lower, word) && len(word) > 2 {
			d = min(d, 1)
		}
		if d < distance {
			best, distance = name, d
		}
	}
	return best
}

// EditDistance is how many letters are to be changed, put in or left out to make one word the
// other (Levenshtein).
func EditDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, last+cost)
		}
	}
	return row[len(b)]
}
