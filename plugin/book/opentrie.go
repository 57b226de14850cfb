package book

import "github.com/weirhq/weir/plugin/internal/frame"

// trieFault checks that the nodes are in the order in which Compile writes them:
// each node's children, edges and methods follow those of the node before it.
// So it is a tree, and each node is reached in one way.
func (c *Core) trieFault() string {
	if c.counts[nodes] == 0 {
		return "a trie without a root"
	}
	child, edge, method := 1, 0, 0
	for i := range c.counts[nodes] {
		r := c.record(nodes, i)
		if child <= i || int(frame.U32(r, 0)) != edge || int(frame.U32(r, 12)) != method {
			return brokenAt("node", i)
		}
		edgesFit := c.branchesFit(edges, edge, frame.U32(r, 4), func(target int) bool {
			child++
			return target == child-1
		})
		edge += int(frame.U32(r, 4))
		if param := int(frame.U32(r, 8)); param != 0 {
			if param != child {
				return brokenAt("node", i)
			}
			child++
		}
		methodsFit := c.branchesFit(methods, method, frame.U32(r, 16), func(target int) bool {
			return target < c.counts[endpoints]
		})
		method += int(frame.U32(r, 16))
		if !edgesFit || !methodsFit {
			return brokenAt("node", i)
		}
	}
	if child != c.counts[nodes] || edge != c.counts[edges] || method != c.counts[methods] {
		return "the nodes don't own all nodes, edges and methods"
	}
	return ""
}

// branchesFit checks n branches from first on: in range, sorted by hash and
// label, and with targets that suit.
func (c *Core) branchesFit(of section, first int, n uint32, suits func(target int) bool) bool {
	if uint64(first)+uint64(n) > uint64(c.counts[of]) {
		return false
	}
	before, lastHash := "", uint32(0)
	rest := c.sections[of][first*branchBytes:]
	for i := range int(n) {
		r := rest[i*branchBytes:][:branchBytes]
		hash := frame.U32(r, 0)
		label, ok := c.checkedLabel(r, 4)
		ordered := i == 0 || hash > lastHash || hash == lastHash && label > before
		if !ok || !ordered || len(label) > MaxTemplateBytes || hash != hashOf(label) || !suits(int(frame.U32(r, 12))) {
			return false
		}
		before, lastHash = label, hash
	}
	return true
}
