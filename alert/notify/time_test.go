package notify

import "time"

var t0 = time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)
