package explore

import (
	"math"
	"testing"
)

func TestSumsOfMetersStayAtTheLargestNumber(t *testing.T) {
	along := []MeterAmount{{MeterID: 1, Requests: 1, Amount: math.MaxInt64}, {MeterID: 1, Requests: 2, Amount: 1000}}
	if got := sum(nil, 0, [][]MeterAmount{along}).Meters[0]; got != (MeterAmount{1, 3, math.MaxInt64}) {
		t.Errorf("along points: %+v", got)
	}
	s := Sums{Meters: [][][]MeterAmount{{along[:1]}, {along[1:]}}}
	if got := s.allMeters()[0][0]; got != (MeterAmount{1, 3, math.MaxInt64}) {
		t.Errorf("of ranks: %+v", got)
	}
}
