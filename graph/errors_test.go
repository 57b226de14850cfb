package graph_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/graph"
)

func TestCallersAreToldWhatIsTheirs(t *testing.T) {
	for name, c := range map[string]struct {
		err           error
		message, code string
		logged        bool
	}{
		"a mistake of theirs": {
			fmt.Errorf("update tier: %w", controlplane.Invalid("name", "give a name")), "give a name", "VALIDATION", false,
		},
		"too much for the time there is": {
			fmt.Errorf("read usage: %w", context.DeadlineExceeded),
			"this took longer than 20s and was given up; ask for less at once, or try again later", "TIMEOUT", false,
		},
		"a fault of ours": {
			errors.New("relation usage_minute is gone"), "something went wrong on our side; try again", "INTERNAL", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			told := graph.Presenter(slog.New(slog.NewTextHandler(&log, nil)))(t.Context(), c.err)
			if told.Message != c.message || fmt.Sprint(told.Extensions["code"]) != c.code {
				t.Errorf("told %q with %v, want %q with %s", told.Message, told.Extensions, c.message, c.code)
			}
			if (log.Len() > 0) != c.logged {
				t.Errorf("logged: %q", log.String())
			}
		})
	}
}
