package zone

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

//go:embed zoneinfo.zip
var archive []byte

// files are the database's zones by name. Factory says that a machine's zone has
// not been set yet, and is no zone of anybody.
var files = sync.OnceValue(func() map[string]*zip.File {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		panic(fmt.Sprintf("read the embedded time zones: %v", err)) // the program is broken
	}
	files := make(map[string]*zip.File, len(r.File))
	for _, f := range r.File {
		if f.Name != "Factory" {
			files[f.Name] = f
		}
	}
	return files
})

// Load returns the time zone of an IANA name such as Europe/Berlin or UTC; case
// matters. The error says that there is none.
func Load(name string) (*time.Location, error) {
	if name == time.UTC.String() {
		return time.UTC, nil
	}
	f, ok := files()[name]
	if !ok {
		return nil, fmt.Errorf("%q is not an IANA time zone such as Europe/Berlin or UTC", name)
	}
	data, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("read the embedded time zone %s: %w", name, err)
	}
	return time.LoadLocationFromTZData(name, data)
}

func read(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Cache loads each zone once. It is not safe for concurrent use; its zero value
// is empty.
type Cache struct{ loaded map[string]*time.Location }

// OrUTC returns the time zone of a name, and UTC for one that is not known: what
// is stored is counted whatever its zone was called by who stored it.
func (c *Cache) OrUTC(name string) *time.Location {
	if zone, ok := c.loaded[name]; ok {
		return zone
	}
	zone, err := Load(name)
	if err != nil {
		zone = time.UTC
	}
	if c.loaded == nil {
		c.loaded = map[string]*time.Location{}
	}
	c.loaded[name] = zone
	return zone
}

// Names returns the names of all time zones, sorted.
func Names() []string { return slices.Sorted(maps.Keys(files())) }
