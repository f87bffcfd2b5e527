package detect

import "strings"

// stop holds folded words that say nothing about a subject.
var stop = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(`
		the and for are but not you all any can had her was one our out has him his how its may new now old see two way who did get
		let put say she too use that with have this will your from they know want been good much some time very when come here just
		last night today yesterday tonight morning shall might never like long make many more only over such take than them well were what about after again also because before being could does
		doing each even ever every going into itself most must other same should since still their then there these those through
		under until upon where which while why would really got dont didnt cant youre ive amp via rt
		der die das den dem des ein eine einer eines einem einen und oder aber nicht ist sind war waren wird werden wurde wurden hat
		haben hatte ich wir ihr sie mein dein sein unser euer mich dich sich uns euch mir dir ihm ihn ihnen auf aus bei mit nach von
		vor fur uber unter durch gegen ohne als wie wenn dass weil auch noch schon nur mal sehr mehr hier dort dann jetzt heute was wer
		wo warum kein keine keinen zum zur vom beim ins ans man alle alles etwas viel kann konnen muss mussen soll sollen will
		meine meiner meinem meinen meines deine deiner deinem deinen seine seiner seinem seinen ihre ihrer ihrem ihren unsere unserer unserem
		unseren dieser diese dieses diesem diesen jeder jede jedes jedem jeden welche welcher welches hatten hattet bin bist seid habe hast
		habt wurdet konnte konnten sollte sollten mochte mochten durfen darf gestern morgen heut gerade dass ob sowie damit dabei dazu davon daran
		darauf doch eben halt denn bis seit zwischen wieder immer nie ganz gar this einfach echt mach macht gibt geht`) {
		out[w] = true
	}
	return out
}()
