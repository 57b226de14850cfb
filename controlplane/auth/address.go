package auth

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops is how many proxies may stand one behind the other.
const maxHops = 16

// addressOf returns the network address that a request came from: that of the
// connection or, where a trusted proxy is at its other end, what the last of the
// trusted ones says. X-Forwarded-For is read from the right, as whoever asks can
// write anything at its left.
func (a *Auth) addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if len(a.proxies) == 0 {
		return host
	}
	var said []string
	for _, line := range r.Header.Values("X-Forwarded-For") {
		said = append(said, strings.Split(line, ",")...)
	}
	said = said[max(0, len(said)-maxHops):]
	for i := len(said) - 1; i >= 0 && a.trusts(host); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(said[i]))
		if err != nil {
			break
		}
		host = next.Unmap().WithZone("").String()
	}
	return host
}

// trusts says whether an address is a proxy's whose word is good.
func (a *Auth) trusts(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(a.proxies, func(p netip.Prefix) bool { return p.Contains(address.Unmap().WithZone("")) })
}
