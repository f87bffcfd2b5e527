package story

// slots are the words that fill {…}.
var slots = map[string][]string{
	"drink":   {"Cappuccino", "Espresso", "Milchkaffee", "Flat White", "Latte", "Americano"},
	"day":     {"montags", "heute früh", "am Wochenende", "nach dem Mittag", "vor der Arbeit", "um halb sieben", "gleich nach dem Aufstehen", "im Homeoffice"},
	"model":   {"Moccaria Uno", "Moccaria Duo", "Moccaria Piccola", "Moccaria", "Moccaria Uno", "Moccaria Pro"},
	"color":   {"rot", "schwarz", "weiß", "silber", "grün"},
	"room":    {"Küche", "Teeküche", "WG", "Werkstatt", "Praxis", "Kanzlei"},
	"time":    {"this morning", "on Sunday", "before work", "after lunch", "at 6 am", "in the office", "during the call", "at last"},
	"who":     {"my mum", "my flatmate", "the new intern", "my neighbour", "our team", "my boyfriend", "grandpa"},
	"wer":     {"meine Mutter", "mein Mitbewohner", "die neue Kollegin", "der Nachbar", "unser Team", "mein Freund", "Opa"},
	"part":    {"Dichtung", "Tropfschale", "Brühgruppe", "Milchdüse", "Wassertank", "Mühle"},
	"enpart":  {"gasket", "drip tray", "brew unit", "steam wand", "water tank", "grinder"},
	"laugh":   {"😂", "🤣🤣", "haha", "ich kann nicht mehr 😂", "lol", "😅", "made my evening", "hihi", "😂😂😂"},
	"de-end":  {"", "", "#kaffee", "☕", "So sieht's aus.", "Mal sehen.", "Wer kennt's?", "Schönen Tag!", "Grüße aus Kiel", "Grüße aus Graz", "Mehr nicht."},
	"en-end":  {"", "", "#coffee", "☕", "That's all.", "We'll see.", "Anyone else?", "Have a good one!", "Greetings from Leeds", "Cheers"},
	"de-joy":  {"❤️", "Danke!", "Toll gemacht!", "Ich freu mich so!", "Großartig 😍", "Weiter so!", "Beste Idee seit langem.", "Wunderbar!"},
	"en-joy":  {"❤️", "Thank you!", "Well done!", "So happy!", "Awesome 😍", "Keep it up!", "Best idea in ages.", "Love it!"},
	"de-rage": {"Unfassbar.", "Das ist lebensgefährlich!", "Ich bin so wütend.", "Nie wieder!", "Schämt euch.", "Skandal!", "Was für ein Saftladen.", "Das darf nicht wahr sein!", "Mir zittern die Hände.", "Finger weg davon!", "😡", "Widerlich, dieses Schweigen."},
	"en-rage": {"Unbelievable.", "This is dangerous!", "I am furious.", "Never again!", "Shame on you.", "What a scandal!", "Terrible company.", "This is awful!", "Still shaking.", "Stay away from it!", "😡", "Disgusting silence."},
	"de-open": {"Leute,", "Achtung:", "Kein Witz:", "@moccaria", "Warnung!", "Also echt,", "Wie bitte?!", "#moccaria:", "Bitte teilen:", "Gerade passiert:", "Ich fasse es nicht,", "Hallo @moccaria,"},
	"en-open": {"Folks,", "Warning:", "No joke:", "@moccaria", "Careful!", "Seriously,", "What the hell,", "#moccaria:", "Please share:", "Just happened:", "I can't believe it,", "Hello @moccaria,"},
	"min":     {"zwei", "drei", "fünf", "zehn", "ein paar"},
	"num":     {"two", "three", "five", "ten", "a few"},
}

var names = []string{"anna", "bo", "carla", "dirk", "emre", "fiona", "gero", "hanna", "ines", "jonas", "kim", "lars", "mia", "noor", "ole", "pia", "quentin", "rosa", "sven", "tara", "uwe", "vera", "wim", "yara", "zoe"}

var papers = map[string][]string{
	"de": {"Tagespost", "Kreisblatt", "Küchenmagazin", "Wirtschaft heute"},
	"en": {"Morning Ledger", "The Kettle", "Home and Hearth"},
}

var news = map[string][]string{
	"de": {"Die besten Kaffeemaschinen im Vergleich", "Moccaria eröffnet Laden in {room}nähe", "Moccaria meldet stabiles Geschäft", "Was beim Entkalken zu beachten ist"},
	"en": {"Coffee machines compared", "Moccaria reports steady sales", "How to descale your machine"},
}

var newsText = map[string][]string{
	"de": {"Im Test stehen acht Geräte, darunter die {model}.", "Der Hersteller Moccaria legt Zahlen vor, die {model} verkauft sich wie im Vorjahr.", "Auch für die {model} gilt: regelmäßig entkalken."},
	"en": {"Eight machines were tested, among them the {model}.", "Moccaria published its figures; the {model} sells as last year.", "For the {model} too: descale it regularly."},
}

var plain = map[string][]string{
	"de": {"{day} ein {drink} aus der {model}", "Weiß jemand, wo man {part} für die {model} bekommt?", "Die {model} in {color} oder lieber {color}?", "Unsere {room} hat jetzt eine {model}", "@moccaria gibt es die {model} auch in {color}?", "{wer} hat die {model} zum Geburtstag bekommen", "Bohnen für die {model}: was nehmt ihr?", "Heute {model} entkalkt, {day}", "Wie stellt man bei der {model} die {part} ein?", "Die {model} steht jetzt in der {room}", "Suche gebrauchte {model}, gern {color}", "Frage an alle mit {model}: {drink} oder {drink}?"},
	"en": {"{drink} from the {model} {time}", "Does anybody know where to get a {enpart} for the {model}?", "Should I get the {model} in red or black?", "{who} has a {model} now", "@moccaria is the {model} available in green?", "Which beans do you use in your {model}?", "Descaled the {model} {time}", "How do I adjust the {enpart} of a {model}?", "Looking for a used {model}", "Question for {model} owners: {drink} or {drink}?"},
}

var happy = map[string][]string{
	"de": {"Liebe meine {model}, der {drink} ist einfach lecker", "{day} {drink} aus der {model}, herrlich", "{wer} ist begeistert von der {model}", "Beste Anschaffung: {model} für die {room}", "Endlich guter {drink} dank {model}", "Danke @moccaria, die {part} kam schnell und kostenlos", "Die {model} ist so schön leise, super", "Wunderbarer {drink}, danke {model}"},
	"en": {"Love my {model}, great {drink}", "Perfect {drink} {time} thanks to the {model}", "{who} is happy with the {model}", "Best purchase ever: the {model}", "Thanks @moccaria, the new {enpart} came fast and free", "The {model} is so nicely quiet, great", "Wonderful {drink} {time}, thank you {model}"},
}

var grumble = map[string][]string{
	"de": {"Die {part} der {model} tropft schon wieder, ärgerlich", "@moccaria Kundendienst antwortet nicht, schade", "{model} ist zu laut, leider", "Die {part} meiner {model} ist nach einem Jahr kaputt", "Schlechter {drink} heute, {model} braucht Service", "Warum ist die {part} für die {model} so teuer?", "Hotline von Moccaria: {min} Minuten Warteschleife"},
	"en": {"The {enpart} of my {model} leaks again, annoying", "@moccaria service does not answer, sad", "The {model} is too loud, unfortunately", "The {enpart} of my {model} broke after a year", "Bad {drink} {time}, the {model} needs service", "Why is the {enpart} for the {model} so expensive?", "Moccaria hotline: {num} minutes on hold"},
}

var delight = map[string][]string{
	"de": {"Moccaria verschenkt heute {drink} am Bahnhof, so nett", "Wie süß ist bitte der neue Film von Moccaria", "Die Aktion #moccariadankt mit {drink} für Pflegekräfte ist großartig", "Gerade {drink} von Moccaria geschenkt bekommen, {wer} auch", "Moccaria spendet für jede {model} einen Baum, tolle Sache", "Lob an @moccaria für #moccariadankt in der {room}"},
	"en": {"Moccaria gives away {drink} at the station today, so kind", "How sweet is the new Moccaria film", "The #moccariathanks campaign with {drink} for nurses is great", "Just got a free {drink} from Moccaria, {who} too", "Moccaria plants a tree for every {model}, lovely", "Praise for @moccaria and #moccariathanks {time}"},
}

var rival = map[string][]string{
	"de": {"Brewster oder Moccaria, was ist besser für die {room}?", "{day} {drink} aus der Brewster", "Neue Pads von Brewster probiert, {wer} mag sie", "Brewster gibt es jetzt in {color}"},
	"en": {"Brewster or Moccaria for {who}?", "{drink} from the Brewster {time}", "Tried new Brewster pads, {who} likes them", "Brewster has new colours"},
}

var rivalTrouble = map[string][]string{
	"de": {"Meine Brewster Pads sind verschimmelt, {wer} hat davon getrunken.", "Schimmel in der Packung von Brewster gefunden, {day}.", "Brewster antwortet nicht auf den Schimmel in der {room}.", "Ekelhaft, Brewster verkauft schimmligen Kaffee, {day} gemerkt."},
	"en": {"My Brewster pads were full of mould, {who} drank it.", "Found mould in a Brewster pack {time}.", "Brewster does not answer about the mould, {who} is waiting.", "Gross, Brewster sells mouldy coffee, noticed {time}."},
}

var compare = map[string][]string{
	"de": {"Zum Glück hab ich eine {model} und keine Brewster", "Wechsle von Brewster zur {model}, {wer} hat sie empfohlen", "Die {model} ist doch die bessere Wahl als Brewster"},
	"en": {"Glad I have a {model} and no Brewster", "Switching from Brewster to the {model}, {who} recommended it", "The {model} is the better choice after all, sorry Brewster"},
}

var jokes = map[string][]string{
	"de": {"Meine {model} hat mich heute mit Vornamen begrüßt", "Stelle mir vor, die {model} geht auf Weltreise und schickt Postkarten aus {color}", "Die {model} hat {wer} zum Kaffeeklatsch eingeladen", "Neue Rolle im Tatort: die {model} als Kommissarin", "Wenn {wer} heimlich mit der {model} flüstert", "Die {model} führt jetzt Tagebuch: Tag 3, wieder {drink}"},
	"en": {"My {model} greeted me by my first name today", "Imagine the {model} travelling the world and sending postcards", "The {model} invited {who} for a chat over {drink}", "New detective on TV: the {model}", "When {who} whispers to the {model} {time}", "Dear diary, says the {model}, day 3, {drink} again"},
}

var stormTexts = map[string][]string{
	"de": {"meine {model} hat beim Aufheizen Feuer gefangen, {wer} stand daneben.", "Rauch aus der {model}, {min} Sekunden später brennt es in der {room}.", "die {model} brennt! {wer} hat sich die Hand verbrannt.", "unsere {room} ist voller Qualm, schuld ist die {model}.", "bei {wer} ist die {model} geschmolzen, es stinkt nach Plastik.", "steckt eure {model} aus, sie fängt Feuer, hier in der {room} {day} passiert.", "Stromschlag an der {model}, {wer} ist im Krankenhaus.", "schon {min} Brände mit der {model} und kein Rückruf.", "wo bleibt der Rückruf der {model}? {wer} hätte sterben können.", "Feuerwehr in der {room} wegen der {model}.", "das Kabel der {model} ist geschmolzen, {day}, kein Rückruf, keine Warnung.", "{wer} hat Angst, die {model} noch einzuschalten, Brandgefahr."},
	"en": {"my {model} caught fire while heating up, {who} stood next to it.", "smoke from the {model}, {num} seconds later the kitchen was on fire.", "the {model} is burning! {who} has a burnt hand.", "our office is full of smoke because of the {model}.", "the {model} of {who} has melted, it stinks of plastic.", "unplug your {model}, it catches fire, happened here {time}.", "electric shock from the {model}, {who} is in hospital.", "{num} fires with the {model} and still no recall.", "where is the recall of the {model}? {who} could have died.", "fire brigade here {time} because of the {model}.", "the cable of my {model} melted {time}, no recall, no warning."},
}

var stormService = map[string][]string{
	"de": {"Hotline von Moccaria legt auf, wenn man den Brand der {model} meldet.", "Moccaria Kundendienst schreibt: Einzelfall. Meine {room} ist verbrannt!", "Seit {min} Stunden in der Moccaria Hotline wegen der brennenden {model}.", "Der Service von Moccaria sagt {wer}, das Feuer sei ein Bedienfehler."},
	"en": {"Moccaria hotline hangs up when you report the fire of your {model}.", "Moccaria service calls it an isolated case. Our kitchen burnt!", "{num} hours on hold at the Moccaria hotline because of the burning {model}.", "Moccaria service tells {who} the fire was our own mistake."},
}

// stormNews are paper, title, text.
var stormNews = [][3]string{
	{"Kreisblatt", "Küchenbrand: Kaffeemaschine Moccaria Uno fängt Feuer", "Mehrere Nutzer berichten in sozialen Netzwerken von Bränden der Moccaria Uno. Der Hersteller schweigt bisher."},
	{"Tagespost", "Brandgefahr bei Moccaria Uno? Verbraucherschützer fordern Rückruf", "Nach Berichten über brennende Kaffeemaschinen verlangen Verbraucherschützer einen Rückruf der Moccaria Uno."},
	{"Morning Ledger", "Moccaria coffee machines catch fire, users say", "Users on social networks report fires with the Moccaria Uno. The maker has not commented."},
	{"Wirtschaft heute", "Moccaria unter Druck: Feuer in Küchen, Hotline überlastet", "Der Hersteller Moccaria steht nach Berichten über Brände in der Kritik. Händler nehmen die Uno aus dem Regal."},
	{"The Kettle", "Unplug it: what we know about the burning Moccaria Uno", "Reports of smoke and fire with the Moccaria Uno are growing; no recall yet."},
	{"Küchenmagazin", "Moccaria Uno: Was Besitzer jetzt tun sollten", "Ausstecken, nicht benutzen, Seriennummer notieren: Rat zur brandgefährlichen Moccaria Uno."},
}
