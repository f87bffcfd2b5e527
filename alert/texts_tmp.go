package alert

import (
	"time"

	"brandmelder/i18n"
)

func pick(lang, en, de string) string {
	if lang == "de" {
		return de
	}
	return en
}

func clock(t time.Time, loc *time.Location, lang string) string { return i18n.In(lang).Clock(t, loc) }

func duration(d time.Duration, lang string) string { return i18n.In(lang).Duration(d) }
