// Package zone has the IANA time zone database: the same names and boundaries on
// every machine, whatever its own files say. A name comes in, its
// [time.Location] goes out; nothing is kept between calls but what was read of
// the database.
//
// A host's own database is not asked, as [time.LoadLocation] does: it may lack a
// zone that another host of the same control plane has, have other boundaries,
// or take names for zones that are none, such as posix/Europe/Berlin,
// right/Europe/Berlin (which counts leap seconds) and localtime.
//
// zoneinfo.zip is lib/time/zoneinfo.zip of a Go release, in the public domain as
// the database itself is; a newer one is copied over it.
package zone
