// Package frontend carries the dashboard's built files.
//
// In: what `npm run build` left in dist, at compile time. Out: a read-only file
// system. It holds no state. A binary that was compiled before the dashboard
// was built carries an empty dashboard, not a broken one.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist is the built dashboard: index.html, graphiql.html and their assets at
// its root. Without a build it holds no index.html.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // unreachable: "dist" is a valid path
	}
	return sub
}
