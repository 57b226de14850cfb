package simulation

// bug is a mistake that somebody could make in one of the parts. The simulation
// has to find it: that is how it is tested itself.
type bug struct {
	name   string
	within uint64 // seeds, from 1
	plant  func(*parts)
}

// bugs returns all of them.
func bugs() []bug {
	var all []bug
	for _, some := range [][]bug{filterBugs, edgeBugs, roundBugs, storeBugs, foldBugs, bookBugs} {
		all = append(all, some...)
	}
	return all
}
