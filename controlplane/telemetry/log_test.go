package telemetry_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/telemetry"
)

func TestLinesOfTheLogSayOfWhichRequestTheyAre(t *testing.T) {
	var lines strings.Builder
	log := telemetry.Log(slog.New(slog.NewTextHandler(&lines, nil))).With("part", "edge")
	ctx := controlplane.WithActor(t.Context(), controlplane.Actor{RequestID: "r-17"})
	ctx, span := sdktrace.NewTracerProvider().Tracer("").Start(ctx, "a request")
	log.WarnContext(ctx, "slow")
	log.WarnContext(context.Background(), "outside")
	inside, outside, _ := strings.Cut(lines.String(), "\n")
	if want := "part=edge request=r-17 trace=" + span.SpanContext().TraceID().String(); !strings.HasSuffix(inside, want) {
		t.Errorf("inside of a request %q, want … %q", inside, want)
	}
	if !strings.HasSuffix(outside, "msg=outside part=edge\n") {
		t.Errorf("outside of one %q", outside)
	}
}
