package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

func TestLimitsArePreviewedOnStoredUsage(t *testing.T) {
	p := open(t)
	var made struct {
		CreateTier struct {
			Tier struct {
				ID     string
				Limits []struct{ ID string }
			}
		}
	}
	p.must(`mutation{createTier(input:{name:"Basic",limits:[{name:"per-minute",amount:1000,period:MINUTE}]}){tier{id limits{id}}}}`, &made)
	tier := made.CreateTier.Tier
	for _, name := range []string{"Ash", "Birch"} {
		p.must(fmt.Sprintf(`mutation{createAccount(input:{name:%q,tierId:%q}){account{id}}}`, name, tier.ID), nil)
	}
	minute := time.Now().Add(-5*time.Minute).Unix() / 60
	entry := func(account, requests uint64, d wire.Decision) wire.Entry {
		status := uint16(200)
		if d == wire.Throttled {
			status = 429
		}
		return wire.Entry{EntryKey: wire.EntryKey{Minute: minute, Account: account, Status: status, Decision: d}, Requests: requests, Cost: requests}
	}
	batch := &wire.Batch{
		Source: wire.SourceID{1, 2, 3}, Sequence: 1, Node: "gateway-1", SentMS: time.Now().UnixMilli(),
		Entries: []wire.Entry{entry(1, 50, wire.Allowed), entry(1, 5, wire.Throttled), entry(2, 8, wire.Allowed)},
	}
	batch.Counted = 63
	if got := p.post(batch); got.Status != 200 {
		t.Fatalf("%+v", got)
	}
	from := time.Unix(minute*60, 0).Add(-time.Hour).UTC().Format(time.RFC3339)
	type figures struct{ AtLeast, AtMost int64 }
	type harm struct {
		Requests, Throttled, AtLeast, AtMost int64
		Today                                figures
	}
	type report struct {
		Preview struct {
			Total                          harm
			AccountCount, Surely, Possibly int
			SurelyToday, PossiblyToday     int
			Accounts                       []struct {
				Account   struct{ Name string }
				Harm      harm
				FirstAt   *time.Time
				LimitName string
			}
			Limits []struct {
				Name                          string
				AtLeast, AtMost, AccountCount int64
			}
			Points []struct{ Harm harm }
		}
	}
	ask := func(input string) (r report) {
		p.must(fmt.Sprintf(`{preview(input:{from:%q %s}){total{requests throttled atLeast atMost today{atLeast atMost}} accountCount surely possibly surelyToday possiblyToday
			accounts{account{name} harm{requests throttled atLeast atMost} firstAt limitName} limits{name atLeast atMost accountCount} points{harm{requests throttled atLeast atMost today{atLeast atMost}}}}}`, from, input), &r)
		return r
	}
	draft := fmt.Sprintf(`tierId:%q,limits:[{id:%q,name:"stricter",amount:10,period:MINUTE}]`, tier.ID, tier.Limits[0].ID)
	for r := ask(draft); r.Preview.Total.Requests < 63; r = ask(draft) { // the batch is on its way
		if t.Context().Err() != nil {
			t.Fatal("the usage doesn't arrive")
		}
	}
	r := ask(draft).Preview
	if want := (harm{63, 5, 35, 45, figures{}}); r.Total != want || r.AccountCount != 2 || r.Surely != 1 || r.Possibly != 1 {
		t.Errorf("a stricter limit: %+v, want %+v", r, want)
	}
	if a := r.Accounts; a[0].Account.Name != "Ash" || a[0].FirstAt == nil || a[0].FirstAt.Unix() != minute*60 || a[0].LimitName != "stricter" || a[1].FirstAt != nil {
		t.Errorf("accounts %+v", a)
	}
	if len(r.Limits) != 1 || r.Limits[0].AccountCount != 1 || len(r.Points) < 60 {
		t.Errorf("limits %+v, %d points", r.Limits, len(r.Points))
	}
	if got := ask(fmt.Sprintf(`tierId:%q`, tier.ID)).Preview.Total; got.AtMost != 0 {
		t.Errorf("the tier's own limit: %+v", got)
	}
	// The draft is played as it is kept; what accounts have today, too.
	var drafted struct {
		SaveTierDraft struct {
			Tier struct{ Draft struct{ ID string } }
		}
	}
	p.must(fmt.Sprintf(`mutation{saveTierDraft(input:{tierId:%q,limits:[{id:%q,name:"stricter",amount:10,period:MINUTE}]}){tier{draft{id}}}}`, tier.ID, tier.Limits[0].ID), &drafted)
	p.must(fmt.Sprintf(`mutation{updateTier(input:{id:%q,limits:[{id:%q,name:"per-minute",amount:20,period:MINUTE}]}){snapshot}}`, tier.ID, tier.Limits[0].ID), nil)
	kept := ask(fmt.Sprintf(`versionId:%q`, drafted.SaveTierDraft.Tier.Draft.ID)).Preview
	if want := (harm{63, 5, 35, 45, figures{15, 35}}); kept.Total != want || kept.SurelyToday != 1 || kept.PossiblyToday != 1 {
		t.Errorf("the draft beside today: %+v, want %+v", kept, want)
	}
	var points harm
	for _, at := range kept.Points {
		points.Requests += at.Harm.Requests
		points.Throttled += at.Harm.Throttled
		points.AtLeast += at.Harm.AtLeast
		points.AtMost += at.Harm.AtMost
		points.Today.AtLeast += at.Harm.Today.AtLeast
		points.Today.AtMost += at.Harm.Today.AtMost
	}
	if points != kept.Total {
		t.Errorf("the points have %+v", points)
	}
	p.must(fmt.Sprintf(`mutation{setOverride(input:{accountId:"acc_1",limitId:%q,amount:500,burst:500}){snapshot}}`, tier.Limits[0].ID), nil)
	if got := ask(draft).Preview.Total; got.AtMost != 0 {
		t.Errorf("with an override: %+v", got)
	}
	if got := ask(`accountIds:["acc_2"],limits:[{name:"a",amount:5,period:DAY}]`).Preview; got.AccountCount != 1 || got.Total.AtLeast != 2 {
		t.Errorf("of one account: %+v", got)
	}
	for input, want := range map[string]string{
		`from:"2020-01-01T00:00:00Z",to:"2020-01-02T00:00:00Z",tierId:"tier_1"`:                              "VALIDATION from",
		`from:"2020-01-01T00:00:00Z",tierId:"tier_1"`:                                                        "VALIDATION from",
		fmt.Sprintf(`from:%q`, from):                                                                         "VALIDATION tierId",
		fmt.Sprintf(`from:%q,versionId:"ver_99"`, from):                                                      "NOT_FOUND versionId",
		fmt.Sprintf(`from:%q,versionId:"ver_1",limits:[{name:"a",amount:1,period:DAY}]`, from):               "VALIDATION versionId",
		fmt.Sprintf(`from:%q,tierId:"tier_99"`, from):                                                        "NOT_FOUND tierId",
		fmt.Sprintf(`from:%q,accountIds:["acc_1"]`, from):                                                    "VALIDATION limits",
		fmt.Sprintf(`from:%q,tierId:"tier_1",first:0`, from):                                                 "VALIDATION first",
		fmt.Sprintf(`from:%q,tierId:"tier_1",limits:[{name:"a",amount:0,period:DAY}]`, from):                 "VALIDATION limits.0.amount",
		fmt.Sprintf(`from:%q,tierId:"tier_1",limits:[{name:"a",subject:ADDRESS,amount:1,period:DAY}]`, from): "VALIDATION limits",
		fmt.Sprintf(`from:%q,to:%q,tierId:"tier_1"`, from, "2020-01-01T00:00:00Z"):                           "VALIDATION to",
	} {
		p.wantErrors(fmt.Sprintf(`{preview(input:{%s}){surely}}`, input), want)
	}
}
