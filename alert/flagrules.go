package alert

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"brandmelder/incident"
)

// rule finds parts of one kind in a folded text: small letters without accents, ä as ae, all dots and digits alike.
// What a pattern has in round brackets that capture is the part; what stands around it is the cue.
type rule struct {
	kind incident.FlagKind
	re   *regexp.Regexp
	ok   func(folded, written string) bool // nil for always
	hint []string                          // one of them stands in each match; it spares slow patterns
}

const (
	label = `[\p{L}\p{N}](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?`
	// aDot is a dot between the labels of a host, also as people write it to hide one.
	aDot      = `(?:\.|[\[({<]\.|\.[\])}>]|\s?[\[({<]\s?(?:\.|d[o0]t|punkt|point)\s?[\])}>]\s?)`
	aTLD      = `(?:xn--[a-z0-9-]+|\p{L}{2,})`
	tail      = `(?::\d+)?(?:[/?#]\S*)?`
	wellKnown = `(?:com|net|org|info|biz|example|io|app|shop|store|online|site|xyz|ru|cn|de|at|ch|eu|uk|link|click|top)`

	number = `(?:\d(?:[\d.,']*\d)?|\p{L}*(?:hundert|tausend|million|milliard|zehn|zwanzig|dreissig|vierzig|` +
		`fuenfzig|sechzig|siebzig|` +
		`achtzig|neunzig|zwoelf)\p{L}*|eins?|zwei|drei|vier|fuenf|sechs|sieben|acht|neun|elf|one|two|three|four|` +
		`five|six|seven|eight|` +
		`nine|ten|eleven|twelve|\p{L}+teen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|` +
		`ninety)(?:-\p{L}+)?|hundreds?|thousands?|` +
		`billions?|dozens?)`
	quantity = `(?:` + number + `|an?|ein\p{L}*|few|some|several|many|couple|einige\p{L}*|mehrere\p{L}*|` +
		`viele\p{L}*|paar|half|halbe\p{L}*)`
	onwards  = `(?:` + quantity + `|of|and|und|mio\.?|mrd\.?|tsd\.?|k)` // what follows a quantity before the currency
	currency = `(?:euros?|eur|usd|us-dollar|dollars?|bucks?|pounds?|sterling|gbp|quid|chf|francs?|franken|sfr|` +
		`rappen|cents?|pence|yen|jpy|` +
		`yuan|rmb|cny|rubel|rubles?|zloty|pln|kronen|kroner|sek|nok|dkk|lira|bitcoins?|btc|ether|eth|usdt|\p{Sc})`
	gets    = `\b(?:receiv|get|bekomm|erhalt|erhaelt)\p{L}*`
	bare    = `(\d[\d.,']*\d\d|\p{L}*(?:hundert|tausend)\p{L}*|hundreds?|thousands?)` // an amount without its currency
	weekday = `(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend`
	span    = `(?:minut|hour|day|week|month|stunde|tag|woche|monat)\p{L}*`
	between = `(?:\s\p{L}+){0,4}?\s` // words between
)

// rules are tried in this order; a later one does not look into what an earlier one found.
var rules = []rule{
	// Short codes first: five figures before a name would be a town's.
	{incident.FlagPhone, whole(`\b(?:text|sms|mms|whatsapp)\p{L}*(?:\s\S+){0,4}?\s(?:to|at|an|unter)(?: die| the)?` +
		`(?: nummer| number)?:?\s(\d{3,8})`), nil, figures},

	// Addresses: with a scheme, as www., of mail, of accounts, hosts with dots in any disguise, IP, paths, houses.
	{incident.FlagAddress, whole(`[a-z][a-z0-9+.-]*\s?(?::|\[:\])\s?[/\\]\s?[/\\]\s?\S+`), nil, []string{"/", "\\"}},
	{incident.FlagAddress, whole(`h ?[tx] ?[tx] ?p ?s? ?(?::|\[:\])\s?\S+`), nil, nil},
	{incident.FlagAddress, whole(`(?:mailto|sms|whatsapp|tg|skype|facetime|bitcoin|javascript)\s?:\s?\S+`), nil, nil},
	{incident.FlagAddress, whole(`w ?w ?w ?\d?\s?` + aDot + `\s?\S+`), nil, nil},
	{incident.FlagAddress, whole(`[\p{L}\p{N}._%+'-]+\s?(?:@|[\[({<]\s?(?:at|` +
		`aet)\s?[\])}>])\s?` + label + `(?:` + aDot + label + `)*`), nil, []string{"@", "(", "[", "{", "<"}},
	{incident.FlagAddress, whole(`@\s?[\p{L}\p{N}_][\p{L}\p{N}_.-]*`), nil, nil},
	{incident.FlagAddress, whole(label + `(?:` + aDot + label + `)*` + aDot + aTLD + tail), notGender, nil},
	{incident.FlagAddress, whole(label + `[\s_-]d[o0]t[\s_-]\p{L}{2,}` + tail), nil, []string{"dot", "d0t"}},
	{incident.FlagAddress, whole(label + `(?:\*` + label + `)*\*` + wellKnown + tail), nil, []string{"*"}},
	{incident.FlagAddress, whole(label + `\s(?:ly|gl|gd|com|net|org|link)/\S+`), nil, []string{"/"}},
	{incident.FlagAddress, whole(label + `\s?(?:\spunkt\s|\spoint\s|,)` + wellKnown + tail), nil, nil},
	{incident.FlagAddress, whole(label + `\s\.\s?\p{L}{2,}` + tail), nil, nil},
	{incident.FlagAddress, whole(label + `\.\s` + wellKnown + tail), lastIsSmall, nil},
	{incident.FlagAddress, whole(`\d{1,3}(?:` + aDot + `\d{1,3}){3}` + tail), nil, nil},
	{incident.FlagAddress, whole(`\[?[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*`), isIPv6, nil},
	{incident.FlagAddress, whole(`\\\\\S+`), nil, nil},
	{incident.FlagAddress, whole(`/?[ru]/[a-z0-9_-]{3,}`), nil, nil},
	{incident.FlagAddress, whole(`(?:bc1[0-9a-z]{20,}|0x[0-9a-f]{20,})`), nil, nil},
	{incident.FlagAddress, whole(`[0-9a-z]{26,95}`), isBase58, figures},
	{incident.FlagAddress, whole(`\d{5}\s\p{L}{3,}`), cityIsLarge, nil},
	{incident.FlagAddress, whole(`\p{L}*(?:strasse|str\.|allee|gasse|platz)\s?\d{1,4}`), nil, nil},
	{incident.FlagAddress, whole(`\d{1,5}\s\p{L}+(?:\s\p{L}+)?\s(?:street|road|avenue|lane|boulevard)`), nil, nil},
	{incident.FlagAddress, whole(`(?:postfach|p\.?o\.? box)\s?\d+`), nil, nil},

	// Money: in figures and words, percentages, accounts.
	{incident.FlagMoney, whole(`[a-z]{2}\d{2}(?:\s?[0-9a-z]{4}){3,7}(?:\s?[0-9a-z]{1,3})?`), nil, nil},
	{incident.FlagMoney, whole(`(?:us)?` + currency + `[\s-]?` + number + `(?:\s(?:million|billion|thousand|mio|` +
		`mrd)\p{L}*)?`), nil, coins},
	{incident.FlagMoney, whole(quantity + `[\s-]?(?:,-)?\s?(?:` + onwards + `[\s-]?(?:,-)?\s?)*` + currency), nil, coins},
	{incident.FlagMoney, whole(number + `[\s-]?(?:%|‰|percent|per cent|` +
		`prozent)\p{L}*`), nil, []string{"%", "‰", "per", "pro"}},
	{incident.FlagMoney, whole(gets + `(?:\s\p{L}+){0,3}?\s` + bare), nil, getting},
	{incident.FlagMoney, whole(bare + `\s` + gets), nil, getting},

	// Phone numbers: with a cue, by their form, as words, as letters.
	{incident.FlagPhone, whole(`(?:tel|telefon\p{L}*|phone|call|hotline|fon|fax|dial|text|sms|whatsapp|nummer|` +
		`number|ruf\p{L}*|anruf\p{L}*)` +
		`[\s.:()-]{1,5}(\+?\(?\d[\d\s()/.-]+\d)`), nil, figures},
	{incident.FlagPhone, whole(`\+?\(?\d[\d\s()/.-]{4,}\d`), isPhone, nil},
	{incident.FlagPhone, whole(`(?:\+?1[\s-])?\(?(?:800|888|877|866|855|844|833|900)\)?[\s-][a-z0-9-]{4,}`), nil, nil},
	{incident.FlagPhone, whole(`(?:(?:zero|oh|null|one|two|three|four|five|six|seven|eight|nine|eins|zwei|zwo|drei|` +
		`vier|fuenf|sechs|sieben|acht|` +
		`neun|double|triple|doppel)[\s,-]+){4,}\p{L}+`), nil, nil},

	// Promises: money and goods, guarantees, recalls, deadlines, admissions.
	{incident.FlagPromise, word(`re-?fund|reimburs|compensat|indemni|guarant|warrant|voucher|coupon|discount|` +
		`rebate|re-?call|cashback|giveaway`), nil, nil},
	{incident.FlagPromise, whole(`(?:promis|pledg|replac|liabl|liabilit|goodwill|complimentary|gratis)\p{L}*`), nil, nil},
	{incident.FlagPromise, whole(`(?:schadens?|geld|voll|kosten|waren)?ersatz\p{L}*|ersetz\p{L}*`), nil, nil},
	{incident.FlagPromise, word(`erstatt|entschaedig|umtausch|kostenlos|kostenfrei|unentgeltlich|gebuehrenfrei|garant|` +
		`gewaehrleist|versprech|versprich|versproch|zusicher|zugesicher|zusag|rueckruf|rueckhol|rueckgabe|` +
		`ruecknahme|zurueckruf|` +
		`zuruecknehm|zurueckzahl|zurueckgeb|gutschein|gutschrift|rabatt|nachlass|kulanz|wiedergutmach|haftung|` +
		`haften|geschenk|umsonst`), nil, nil},
	{incident.FlagPromise, whole(`free of charge|(?:for|is|are|totally|completely|your|a) free|free (?:of|repairs?|` +
		`shipping|replacement|products?|` +
		`returns?|months?|service|exchange|delivery|gifts?|devices?|units?|copy)`), nil, nil},
	{incident.FlagPromise, whole(`(?:at )?no (?:extra |additional )?(?:cost|charge)s?|without charge|on the house|` +
		`half[\s-]price|money[\s-]back`), nil, nil},
	{incident.FlagPromise, whole(`(?:pay|paying|paid|payment) (?:you|for|back|out|every\p{L}*|all)|` +
		`money` + between + `back|get your money`), nil, nil},
	{incident.FlagPromise, whole(`cover` + between + `(?:costs?|damages?|expenses)|exchange (?:your|the|all|every)|` +
		`credit (?:your|note)`), nil, nil},
	{incident.FlagPromise, whole(`our fault|(?:accept|take)(?: full| all)? responsibility|to blame|` +
		`never(?: happen)? again|not happen again`), nil, nil},
	{incident.FlagPromise, whole(`(?:completely|absolutely|totally|perfectly|entirely|voellig|absolut|` +
		`vollkommen) (?:safe|sicher|harmless|harmlos)`), nil, nil},
	{incident.FlagPromise, whole(`geld` + between + `zurueck|(?:rufen?|nehmen|zahlen|geben|` +
		`holen)` + between + `zurueck|zahlen (?:wir )?(?:ihnen|allen|jedem)`), nil, nil},
	{incident.FlagPromise, whole(`kosten` + between + `uebern\p{L}*|uebernehm\p{L}*` + between + `(?:kosten|` +
		`verantwortung|schaeden)`), nil, []string{"uebern"}},
	{incident.FlagPromise, whole(`unsere? (?:schuld|fehler)|nie wieder|nicht (?:wieder|noch einmal|mehr) (?:vor|` +
		`passier)\p{L}*`), nil, nil},
	{incident.FlagPromise, whole(`(?:by|until|till|before)(?: the| next| end of| this)*\s(?:tomorrow|tonight|today|` +
		`noon|midnight|day|week|month|year|` +
		weekday + `|\d[\d:.]*(?: ?[ap]\.?m\.?| o.?clock)?)`), nil, nil},
	{incident.FlagPromise, whole(`(?:within|in)(?: the)?(?: next)?(?: ` + quantity + `)+[\s-]?` + span + `|` +
		`no later than(?: \S+){1,3}`), nil, nil},
	{incident.FlagPromise, whole(`tomorrow|tonight|next (?:week|month|` + weekday + `)|this (?:week|month|evening|` +
		`afternoon)`), nil, nil},
	{incident.FlagPromise, whole(`bis(?: spaetestens| zum| ende| der| des| naechste\p{L}*| kommende\p{L}*|` +
		` am)*\s(?:morgen|heute|uebermorgen|mittag|abend|` +
		`mitternacht|woche|monat|jahr\p{L}*|` + weekday + `|\d[\d.:]*(?: uhr)?)`), nil, nil},
	{incident.FlagPromise, whole(`spaetestens(?: [\p{L}\d.:]+){1,3}|(?:innerhalb|binnen)(?: [\p{L}\d.]+){1,3}`), nil, nil},
	{incident.FlagPromise, whole(`in den naechsten(?: ` + quantity + `)*\s` + span), nil, nil},
	{incident.FlagPromise, whole(`uebermorgen|morgen|noch heute|heute (?:noch|abend|nachmittag)|(?:naechste|` +
		`kommende)\p{L}* (?:woche|monat|` + weekday + `)`), nil, nil},
}

var (
	figures = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	getting = []string{"receiv", "get", "bekomm", "erhalt", "erhaelt"}
	// coins are what each currency's name or sign contains.
	coins = []string{
		"eur", "us", "doll", "buck", "pound", "ster", "gbp", "quid", "chf", "fran", "sfr", "rapp", "cent", "penc", "yen", "jpy", "yuan",
		"rmb", "cny", "rub", "zlo", "pln", "kron", "sek", "nok", "dkk", "lira", "btc", "bitc", "eth",
	}
)

// whole matches a pattern; check sees to it that no letter or digit adjoins the match.
func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// word matches words that contain one of the stems.
func word(stems string) *regexp.Regexp { return regexp.MustCompile(`[\p{L}-]*(?:` + stems + `)\p{L}*`) }

// notGender lets pass what German writes with a dot inside a word, for people of all genders.
func notGender(_, written string) bool {
	if !strings.ContainsAny(written, "·•∙⋅") {
		return true
	}
	_, end, _ := strings.Cut(strings.NewReplacer("•", "·", "∙", "·", "⋅", "·").Replace(strings.ToLower(written)), "·")
	return end != "innen" && end != "in" && end != "r" && end != "e"
}

// lastIsSmall reports whether the last word begins with a small letter, as no sentence does.
func lastIsSmall(_, written string) bool {
	f := strings.Fields(written)
	return len(f) > 1 && unicode.IsLower([]rune(f[len(f)-1])[0])
}

func cityIsLarge(_, written string) bool {
	f := strings.Fields(written)
	return len(f) > 1 && unicode.IsUpper([]rune(f[len(f)-1])[0])
}

var aBase58 = regexp.MustCompile(`^[1-9A-HJ-NP-Za-km-z]+$`)

// isBase58 reports whether a long word is written as wallets are: large and small letters and figures, but for those
// that look alike.
func isBase58(_, written string) bool {
	return aBase58.MatchString(written) && strings.ContainsFunc(written, unicode.IsUpper) &&
		strings.ContainsFunc(written, unicode.IsLower) && strings.ContainsFunc(written, unicode.IsDigit)
}

func isIPv6(folded, _ string) bool {
	a, err := netip.ParseAddr(strings.Trim(folded, "[]."))
	return err == nil && a.Is6()
}

var (
	aDate  = regexp.MustCompile(`^(?:\d{1,2}\.\s?\d{1,2}\.\s?(?:\d{4}|\d{2})?|\d{4}-\d{2}-\d{2})$`)
	aSpan  = regexp.MustCompile(`^(?:\d{4}\s?[/-]\s?\d{4}|\d{1,2}\.\d{2}\s?-\s?\d{1,2}\.\d{2})$`) // of years, of hours
	aCount = regexp.MustCompile(`^\d{1,3}(?:[. ]\d{3})+$`)
)

// isPhone reports whether a run of digits can be dialled: six digits or more, and no date, span of years or large
// number.
func isPhone(folded, _ string) bool {
	digits := 0
	for _, r := range folded {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	folded = strings.TrimLeft(folded, "(")
	return digits >= 6 && !aDate.MatchString(folded) && !aSpan.MatchString(folded) && !aCount.MatchString(folded)
}
