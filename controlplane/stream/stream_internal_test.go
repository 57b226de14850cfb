package stream

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

func TestOnlyWhatTheStreamHasIsACopy(t *testing.T) {
	refused := func(code jetstream.ErrorCode, description string) error {
		return fmt.Errorf("publish: %w", &jetstream.APIError{ErrorCode: code, Description: description})
	}
	for name, tc := range map[string]struct {
		err  error
		copy bool
	}{
		"a subject that is taken": {refused(10077, "maximum messages per subject exceeded"), true},
		"a full stream":           {refused(10077, "maximum bytes exceeded"), false},
		"another refusal":         {refused(10047, "insufficient storage per subject"), false},
		"no answer":               {errors.New("maximum messages per subject exceeded"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isCopy(tc.err); got != tc.copy {
				t.Errorf("copy: %v, want %v", got, tc.copy)
			}
		})
	}
}
