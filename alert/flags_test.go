package alert

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"brandmelder/alert/foreign"
	"brandmelder/incident"
	"brandmelder/playbooks"
	"brandmelder/store"
)

func flagged(text string, approved ...string) []string {
	return listed(claims(text, approved))
}

// listed are flags as people write them down: kind and part.
func listed(flags []incident.Flag) (out []string) {
	for _, f := range flags {
		out = append(out, string(f.Kind)+":"+f.Text)
	}
	return out
}

// What a model was made to write is found in every form.
// Fails on 0005da9: only "http://" and "https://" in small letters were found.
func TestWhatOnlyADraftSaysIsFlaggedInEveryForm(t *testing.T) {
	for kind, texts := range map[incident.FlagKind][]string{
		incident.FlagAddress: {
			"go to HTTPS://evil.example/refund", "or www.evil.example", "WWW.EVIL.EXAMPLE", "HtTp://evil", "see evil.example", "evil.example/geld",
			"hxxps://evil.example", "hxxp[:]//evil[.]example", "evil[.]example", "evil(.)example", "evil {dot} example", "evil dot example",
			"evil (punkt) de", "evil punkt de", "evil . example", "evil .example", "evil. com", "evil,com", "evil。example", "evil．example",
			"ｅｖｉｌ.ｅｘａｍｐｌｅ", "ｗｗｗ．ｅｖｉｌ．ｅｘａｍｐｌｅ", "evil․example", "evil·example", "evil•com", "еvіl.ехаmрlе", "ev\u200bil.exa\u200bmple", "evil\u2060.\ufeffexample",
			"e\u00advil.example", "evil\u200d.example", "𝐞𝐯𝐢𝐥.𝐞𝐱𝐚𝐦𝐩𝐥𝐞", "ⓔⓥⓘⓛ.ⓒⓞⓜ", "h t t p s : / / evil . example", "http:\\\\evil", "xn--e1awd7f.com", "müll.example", "evil.рф",
			"help@evil.example", "help (at) evil.example", "help[at]evil[dot]example", "help＠evil.example", "@evil_support", "＠evil_support", "u/evilsupport",
			"192.0.2.7", "192[.]0[.]2[.]7", "[2001:db8::1]", "2001:db8::1:2", "http://3232235777/x", `\\evil\share`, "mailto:x", "t.me/evil", "sms: x",
			"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "Musterstraße 5", "12345 Berlin", "5 Evil Street", "Postfach 1234", "e\u0323vil.exam\u0323ple",
		},
		incident.FlagPhone: {
			"+49 30 123456", "(030) 12 34 56", "030/123456", "0800-123456", "0800 123 4567", "+1 (555) 123-4567", "555-123-4567", "call 112", "Hotline: 116 117",
			"1-800-FLOWERS", "Tel. 030 12", "０８００１２３４５６", "٠٨٠٠١٢٣٤٥٦", "null acht null null eins zwei drei", "eight-zero-zero-one-two-three", "0800–123–456", "0\u200b800 12\u200b3456",
		},
		incident.FlagMoney: {
			"100 €", "€100", "€ 1.000,00", "$5", "＄5", "50 euros", "EUR 50", "50 EUR", "50€", "fifty euros", "fünfzig Euro", "a hundred dollars", "one thousand five hundred pounds",
			"fünfhundert Euro", "hundert Euro", "50,- Euro", "5 Mio. Euro", "2 million dollars", "20 %", "20%", "20 percent", "zwanzig Prozent", "twenty percent", "ein paar Euro", "50 CHF", "0.1 BTC", "US$ 5",
			"DE89 3704 0044 0532 0130 00", "5k €", "fu\u0308nfzig Euro", "20％",
		},
		incident.FlagPromise: {
			"a refund", "REFUNDS", "rеfund", "re-fund", "ｒｅｆｕｎｄ", "we reimburse", "compensation", "a replacement", "we recall it", "free of charge", "it is free", "we guarantee", "we promise", "by tomorrow",
			"by Monday", "by 5 pm", "by the end of the week", "within 24 hours", "in two days", "no later than noon", "money back", "a voucher", "our fault", "we take full responsibility", "never happen again",
			"completely safe", "half price", "we will pay for it", "we erstatten alles", "Rückerstattung", "Ru\u0308ckruf", "Rueckruf", "Entschädigung", "Schadensersatz", "kostenlos", "gratis", "garantieren",
			"Wir versprechen es", "Rückruf", "bis morgen", "bis Montag", "bis 18 Uhr", "bis Ende der Woche", "spätestens heute Abend", "innerhalb von zwei Tagen", "binnen 24 Stunden", "in drei Tagen", "Gutschein",
			"20 % Rabatt auf alles", "Geld zurück", "nehmen alle Geräte zurück", "übernehmen alle Kosten", "unsere Schuld", "nie wieder", "absolut sicher", "Umtausch", "Ersatzgerät", "wir ersetzen es", "r\u0308efund", "G\u200barantie",
		},
	} {
		for _, text := range texts {
			for _, around := range []string{"X", "Please note: X.", "(X)", "Bitte:\nX\nDanke", "»X«"} {
				got := claims(strings.Replace(around, "X", text, 1), nil)
				if !slices.ContainsFunc(got, func(f incident.Flag) bool { return f.Kind == kind }) {
					t.Errorf("%q in %q: got %v, want a flag for %s", text, around, got, kind)
				}
			}
		}
	}
}

// What passes for an address, a number or a promise by spaces, by letters of another kind or without a currency is
// found.
// Fails on e679f07: almost none of it was found.
func TestDisguisesAreFlagged(t *testing.T) {
	for kind, texts := range map[incident.FlagKind][]string{
		incident.FlagAddress: {
			"Wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
			"LaMT348PWRnrqeeWArpwQPbuanpXDZEUYB",
			"TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "evil d0t com", "evil (d0t) com", "evil-dot-com", "evil_dot_com", "evil[.com",
			"evil.)com", "evil*example*com", "bit ly/acme-help", "e v i l . c o m", "E V I L . C O M", "🅔🅥🅘🅛.🅒🅞🅜", "ᴇᴠɪʟ.ᴄᴏᴍ",
		},
		incident.FlagPhone: {
			"Text HELP to 80808", "text 'HELP ME' to 80808", "SMS an 1155", "Senden Sie eine SMS mit HILFE an die 1155",
			"SMS an die Nummer: 1155",
			"O8OO l23 456", "o8oo-I23456", "❽❽❽❶❷❸❹❺❻", "0️⃣8️⃣0️⃣0️⃣ 1️⃣2️⃣3️⃣",
		},
		incident.FlagMoney: {
			"Everyone gets 5O€", "You receive 500", "You will get exactly 1,000", "Sie bekommen 500",
			"Sie erhalten fünfhundert", "Jeder erhält 1.000",
			"dass Sie 500 erhalten", "You get five hundred", "➎⓿ €", "l00 Euro",
		},
		incident.FlagPromise: {
			"Your ʀᴇꜰᴜɴᴅ waits", "r e f u n d", "R-E-F-U-N-D", "🅡🅔🅕🅤🅝🅓", "🆁🅴🅵🆄🅽🅳", "🅁🄴🄵🅄🄽🄳", "🇷🇪🇫🇺🇳🇩", "R ü c k r u f",
		},
	} {
		for _, text := range texts {
			for _, around := range []string{"X", "Please note: X.", "(X)", "Bitte:\nX\nDanke", "»X«"} {
				got := claims(strings.Replace(around, "X", text, 1), nil)
				if !slices.ContainsFunc(got, func(f incident.Flag) bool { return f.Kind == kind }) {
					t.Errorf("%q in %q: got %v, want a flag for %s", text, around, got, kind)
				}
			}
		}
	}
	got := flagged("Call O8OO l23 456. Wir erstatten 5O €, e v i l . c o m.", "0800 123 456, 50 €, evil.com, erstatten")
	if len(got) > 0 {
		t.Errorf("approved in plain letters, and yet flagged: %q", got)
	}
}

// What companies usually write in a crisis is not flagged: a flag at each sentence is read by nobody.
func TestWhatIsSaidInEveryCrisisIsNotFlagged(t *testing.T) {
	for _, text := range []string{
		"We are following what is said about acme and are checking it. As soon as we know something for certain, we will say it here.",
		"Wir verfolgen, was über acme gesagt wird, und prüfen es. Sobald wir etwas sicher wissen, sagen wir es hier.\n\nAnna Muster",
		"We are sorry. We hear you, e.g. on Mastodon, i.e. in public, and take it seriously. 3 of 12 reports came in at 14:30 on 14.03.2026.",
		"Das tut uns leid, z. B. bei Lieferungen, u. a. in Köln. Am 14. März 2026 um 14:30 Uhr haben 1.200 Menschen geschrieben (2025/2026).",
		"Unsere Mitarbeiter·innen, Kund:innen und Kolleg*innen; Version 1.2.3; • Punkt eins • Punkt zwei; an diesem Punkt in der Sache.",
		"Data were compromised. Our systems are reliable. Do not use the device. Feel free to write to us. We use it freely.",
		"Das Gerät wurde übersetzt, besetzt und versetzt. Bitte schalten Sie es aus und ziehen Sie den Stecker…wir melden uns.",
		"Plan A, B or C; 2 l of water, 1l each; O2 and i7; 🇩🇪 Deutschland; bis zu 3 von 5 Geräten; we get to work at once.",
		"Wir haben 1.200 Nachrichten bekommen. We text you. The sms went to many. A - B - C, Typ X-1, in der EU/Schweiz, and/or.",
		"The Gadget 3000 in this context: to 1000.",
		"Our colleagues in Munich — and all of us… — are with the people affected; we'll say more here. 👩‍👩‍👧 नमस्ते",
	} {
		if got := flagged(text); len(got) > 0 {
			t.Errorf("%q is flagged: %q", text, got)
		}
	}
}

// What the approved text says in the same way is not flagged. A denial approves nothing.
func TestWhatAnApprovedTextSaysIsNotFlagged(t *testing.T) {
	approved := "Call 0800 123 456 or see acme.example/help. Every device gets a refund of 50 €. We do not promise a replacement."
	for text, want := range map[string][]string{
		"A refund of 50€: 0800-123456, ACME.example/help": nil,
		"acme.example/evil":               {"address:acme.example/evil"},
		"acme.example":                    {"address:acme.example"},
		"You get a replacement and 60 €.": {"promise:replacement", "money:60 €"},
		"There is no refund.":             {"promise:refund"},
		"A refund. A REFUND. A refund.":   nil,
		"gift.example, gift.example":      {"address:gift.example"},
	} {
		if got := flagged(text, approved); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	shelf, err := playbooks.Load("builtin:de", "builtin:en")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range shelf.Books() {
		if got := flagged(b.Holding, b.Holding); len(got) > 0 {
			t.Errorf("%s %s flags its own text: %q", b.ID, b.Lang, got)
		}
	}
}

// incidentWith opens an incident whose statements are the playbook's and one that a model drafted.
func incidentWith(t *testing.T, modelSays string) (*desktop, string) {
	t.Helper()
	d := newDesktop(t)
	sp := spike("s", "acme", 3, "fire")
	d.report(sp)
	drafted := incident.Statement{ID: "d1m", Kind: incident.Holding, Lang: "en", From: "m", Revisions: []incident.Revision{
		{Number: 1, Text: foreign.Text(modelSays, 0), At: t0},
	}}
	in := d.incident()
	drafted.Revisions[0].Flags = d.desk.Flags(&in, &drafted, drafted.Revisions[0].Text)
	d.must(d.do(incident.Program.ID, func(*incident.State) incident.Command {
		return incident.Draft{Model: "m", Statements: []incident.Statement{drafted}}
	}))
	return d, drafted.ID
}

// approve is what the page sends for the statement as it stands.
func (d *desktop) approve(who, id string, confirm ...string) error {
	return d.do(who, func(in *incident.State) incident.Command {
		st := in.Statement(id)
		rev := st.Latest()
		return incident.Approve{
			Statement: id, Revision: rev.Number, Flags: d.desk.Flags(in, st, rev.Text), Confirm: confirm, Roster: d.desk.Roster(d.now),
		}
	})
}

func (d *desktop) edit(id, text string) error {
	text = foreign.Text(text, 0)
	return d.do("anna", func(in *incident.State) incident.Command {
		st := in.Statement(id)
		return incident.Edit{
			Statement: id, Revision: st.Latest().Number, Text: text, Flags: d.desk.Flags(in, st, text), Roster: d.desk.Roster(d.now),
		}
	})
}

func (d *desktop) statement(id string) (incident.State, *incident.Statement) {
	in := d.incident()
	return in, in.Statement(id)
}

// confirmed are the flags that people confirmed by their approvals, as kind and part.
func (d *desktop) confirmed(who string) (out []string) {
	d.t.Helper()
	records, err := d.st.Events(d.t.Context(), d.incident().ID)
	d.must(err)
	for _, r := range records {
		if e, ok := r.Event.(incident.StatementApproved); ok && r.By.ID == who {
			out = append(out, listed(e.Flags)...)
		}
	}
	return out
}

// A mention makes the model write an address and a promise. The one-voice owner cannot approve that by a single click:
// each part is confirmed by itself, and the events say by whom. Taking a part out does as well.
// Fails on 0005da9: the draft was approved at once.
func TestAFlaggedDraftIsApprovedOnlyWithEachFlagConfirmed(t *testing.T) {
	d, id := incidentWith(t, "We are sorry. Go to HTTPS://evil.example/refund or www.evil.example, you get \u202e50 euros\u202c\u200b.")
	_, st := d.statement(id)
	rev := st.Latest()
	if strings.ContainsAny(rev.Text, "\u202e\u202c\u200b") {
		t.Errorf("the draft still reverses the line: %q", rev.Text)
	}
	want := []string{"model:m", "address:HTTPS://evil.example/refund", "address:www.evil.example", "money:50 euros"}
	var keys []string
	for _, f := range rev.Flags {
		keys = append(keys, f.Key())
	}
	if got := listed(rev.Flags); !slices.Equal(got, want) {
		t.Fatalf("flags %q, want %q", got, want)
	}
	for _, some := range [][]string{nil, keys[:3], keys[1:], {keys[1], "x"}} {
		if err := d.approve("anna", id, some...); !errors.Is(err, incident.ErrUnconfirmed) {
			t.Errorf("approving with %q confirmed: got %v", some, err)
		}
	}
	if err := d.approve("ben", id, keys...); !errors.Is(err, incident.ErrNotOneVoice) {
		t.Errorf("somebody else confirms and approves: got %v", err)
	}
	d.must(d.approve("anna", id, keys...))
	in, st := d.statement(id)
	if f := st.Latest().Flags[3]; !in.Approved(st) || f.By != "anna" || f.At.IsZero() {
		t.Errorf("got %+v", st)
	}
	if got := d.confirmed("anna"); !slices.Contains(got, "money:50 euros") {
		t.Errorf("the events do not say who confirmed: %q", got)
	}
}

// No rule finds what this draft promises, and it is not approved by a single click: a person confirms that every word
// of it is read. An edit asks for that anew, whatever was confirmed before. The playbook's own text asks for nothing.
// Fails on e679f07: the draft had no flags and was approved at once.
func TestAModelsDraftIsApprovedOnlyByWhoHasReadEveryWord(t *testing.T) {
	d, id := incidentWith(t, "Jeder Kunde darf sich etwas aussuchen. Il n'y a aucun danger.")
	in, st := d.statement(id)
	flags := st.Latest().Flags
	if got := listed(flags); !slices.Equal(got, []string{"model:m"}) {
		t.Fatalf("flags %q, want one for the model", got)
	}
	for i, text := range []string{"", "We are checking it.", in.Statements[0].Latest().Text} { // the playbook's
		if text != "" {
			d.must(d.edit(id, text))
		}
		if err := d.approve("anna", id); !errors.Is(err, incident.ErrUnconfirmed) {
			t.Errorf("edit %d: approved without a confirmation: %v", i, err)
		}
		d.must(d.approve("anna", id, flags[0].Key()))
	}
	if in, st = d.statement(id); !in.Approved(st) || st.Latest().Flags[0].By != "anna" {
		t.Errorf("got %+v", st)
	}
	if got := d.confirmed("anna"); !slices.Equal(got, []string{"model:m", "model:m", "model:m"}) {
		t.Errorf("confirmed %q, want three times that the model wrote it", got)
	}
	if err := d.approve("anna", in.Statements[0].ID); err != nil {
		t.Errorf("the playbook's own text: %v", err)
	}
}

// An edit is checked as well, of the model's text and of the playbook's. It takes approvals back, and keeps what was
// confirmed and still stands.
func TestAnEditIsCheckedToo(t *testing.T) {
	d, id := incidentWith(t, "See evil.example.")
	read := incident.Flag{Kind: incident.FlagModel, Text: "m"}.Key()
	d.must(d.approve("anna", id, read, incident.Flag{Kind: incident.FlagAddress, Text: "evil.example"}.Key()))
	d.must(d.edit(id, "See evil.example for your re\u200bfund.\u202e"))
	in, st := d.statement(id)
	rev := st.Latest()
	if rev.Text != "See evil.example for your refund." || len(rev.Approvals) != 0 || len(rev.Flags) != 3 || rev.Flags[1].By != "anna" || rev.Flags[2].By != "" {
		t.Fatalf("after the edit: %+v", rev)
	}
	if err := d.approve("anna", id, read); !errors.Is(err, incident.ErrUnconfirmed) {
		t.Errorf("the new promise: got %v", err)
	}
	d.must(d.edit(id, "We are checking it."))
	d.must(d.approve("anna", id, read))

	book := in.Statements[0]
	d.must(d.approve("anna", book.ID)) // as the playbook says it
	d.must(d.edit(book.ID, book.Latest().Text+"\nYou get a refund."))
	if err := d.approve("anna", book.ID); !errors.Is(err, incident.ErrUnconfirmed) {
		t.Errorf("a promise added to the playbook's text: got %v", err)
	}
	d.must(d.edit(book.ID, book.Latest().Text))
	d.must(d.approve("anna", book.ID))
}

// A statement that an older version stored has no flags. They are found when it is approved.
func TestAStatementStoredWithoutFlagsIsCheckedAtItsApproval(t *testing.T) {
	d, id := incidentWith(t, "See evil.example.")
	in := d.incident()
	in.Statement(id).Latest().Flags = nil
	old, records, err := incident.State{}.Append(incident.Program, t0, incident.Imported{State: in, From: incident.FromOlder})
	d.must(err)
	d.must(d.st.SaveIncident(t.Context(), store.Change{Before: in.Version, State: old, Events: records[:0]}))
	if err := d.approve("anna", id); !errors.Is(err, incident.ErrUnconfirmed) {
		t.Errorf("got %v", err)
	}
}

// Whatever a draft says: the search ends, each part stands in the cleaned draft, the draft approves itself, and
// cleaning takes nothing that is seen.
func FuzzFlags(f *testing.F) {
	for _, s := range []string{
		"go to HTTPS://evil.example/refund", "fünfzig Euro", "e\u0301vil。com", "\u202e\xff\u200d", "⒈⒉ ½ ㏕ ﷺ",
		"e v i l . c o m ß ä 1️⃣", "🅡🅔🅕 ʀᴇꜰ O8OO l23", "[2001:db8::1]", "a\u0308\u0308.b\u0308c",
	} {
		f.Add(s, "a refund")
	}
	f.Fuzz(func(t *testing.T, text, approved string) {
		if len(text) > 4<<10 || len(approved) > 4<<10 {
			t.Skip()
		}
		flags := claims(text, []string{approved})
		seen := fold(text).text
		for _, fl := range flags {
			if fl.Text == "" || !strings.Contains(seen, fl.Text) || !utf8.ValidString(fl.Text) {
				t.Errorf("%q: the part %q does not stand in it", text, fl.Text)
			}
		}
		if own := claims(text, []string{text}); len(own) > 0 {
			t.Errorf("%q does not approve itself: %v", text, own)
		}
		if strings.ContainsFunc(seen, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			t.Errorf("%q keeps a control", text)
		}
	})
}

// A page shows the flags of each draft, so finding them takes milliseconds, and a long text takes no more than its
// length.
func BenchmarkFlags(b *testing.B) {
	text := strings.Repeat("We are checking what happened, see evil.example, and pay 50 euros by tomorrow. ", 18)
	for b.Loop() {
		claims(text, []string{text})
	}
}
