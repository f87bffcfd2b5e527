package brand

// Depth returns how deeply a JSON document nests lists and objects: 0 for a plain value, 1 for [] and {}. It uses no
// recursion, so that the document may be of any depth. For what is not JSON the result means nothing.
func Depth(doc []byte) int {
	depth, deepest := 0, 0
	quoted, escaped := false, false
	for _, c := range doc {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}
