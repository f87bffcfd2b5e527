package brand

import "fmt"

// Level is how bad it is, 0 to 6, after the Shitstorm-Skala of Barbara Schwede and Daniel Graf (2012), a Beaufort scale
// for outrage that counts both the reaction in social networks and the coverage by media.
type Level int

// The levels of the scale.
const (
	Calm           Level = iota // no critical voices beyond the usual
	LightAir                    // isolated criticism without echo
	LightBreeze                 // repeated criticism, weak echo
	ModerateBreeze              // steady criticism, voices join, first media look
	FreshWind                   // a connected protest on several channels, online media report
	Storm                       // protest becomes a storm; media of all kinds report
	Hurricane                   // snowball; the top story everywhere
)

var levelNames = [...]string{"calm", "light air", "light breeze", "moderate breeze", "fresh wind", "storm", "hurricane"}

// String is the level's number and English name, for the output of commands. Package i18n has the names for people.
func (l Level) String() string {
	return fmt.Sprintf("%d %s", int(l), levelNames[min(max(l, Calm), Hurricane)])
}
