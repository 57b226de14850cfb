package tests

import (
	"os"
	"testing"

	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	"github.com/weirhq/weir/tests/internal/stack"
)

// databases are made as a stack begins with them.
var databases = pgtest.Databases{Migrate: stack.Migrate}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }
