package brand

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Often says in words, "en" or "de", how often what has a spike's score comes by chance.
func Often(score float64, lang string) string {
	const year = 52
	switch weeks := math.Pow(10, score); {
	case weeks > 2*year && lang == "de":
		return "seltener als einmal in zwei Jahren"
	case weeks > 2*year:
		return "less than once in two years"
	case weeks >= 1.5 && lang == "de":
		return fmt.Sprintf("einmal in %.0f Wochen", weeks)
	case weeks >= 1.5:
		return fmt.Sprintf("once in %.0f weeks", weeks)
	case weeks > 0.8 && lang == "de":
		return "einmal in der Woche"
	case weeks > 0.8:
		return "once a week"
	case lang == "de":
		return fmt.Sprintf("%s-mal in der Woche", strconv.FormatFloat(1/weeks, 'g', 2, 64))
	default:
		return strconv.FormatFloat(1/weeks, 'g', 2, 64) + " times a week"
	}
}

// Span says in words, "en" or "de", how long a window is.
func Span(d time.Duration, lang string) string {
	switch {
	case d >= 2*time.Hour && lang == "de":
		return fmt.Sprintf("%.0f Stunden", d.Hours())
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	case d == time.Hour && lang == "de":
		return "einer Stunde"
	case d == time.Hour:
		return "an hour"
	case lang == "de":
		return fmt.Sprintf("%.0f Minuten", d.Minutes())
	}
	return fmt.Sprintf("%.0f minutes", d.Minutes())
}
