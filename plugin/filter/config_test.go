package filter

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseConfig(t *testing.T) {
	t.Run("fills in defaults", func(t *testing.T) {
		got, err := parseConfig([]byte(`{"node":"gateway-1"}`))
		want := defaultConfig()
		want.node = "gateway-1"
		if err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
	t.Run("takes every field", func(t *testing.T) {
		got, err := parseConfig([]byte(` { "node" : "gw \u00e9\ud83d\ude00" , "edge_cluster":"e","flush_ms":250,"tick_ms":50,"hold_ms":250,"unready":"allow",
			"identify":"address, jwt,certificate,key","unknown":"anonymous","key_header":"api_key","key_bearer":false,"key_query":"k","strip_key":true,
			"jwt_payload":"jwt","jwt_subject_claim":"uid","jwt_tier_claim":"plan","certificate_name":"dns_san",
			"x_ratelimit":true,"link":"https://example.com/plans"} `))
		want := config{
			node: "gw é😀", edgeCluster: "e", flushMS: 250, tickMS: 50, holdMS: 250, allowUnready: true,
			identify: [maxWays]way{byAddress, byJWT, byCertificate, byKey}, allowUnknown: true, keyHeader: "api_key", keyQuery: "k", stripKey: true,
			jwtPayload: "jwt", jwtSubject: "uid", jwtTier: "plan", certificate: dnsSAN,
			xRateLimit: true, link: "https://example.com/plans",
		}
		if err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
	for name, c := range map[string]struct{ text, names string }{
		"nothing":                  {``, "JSON object"},
		"no object":                {`[]`, "JSON object"},
		"cut off":                  {`{"node":"a"`, "JSON object"},
		"something after it":       {`{"node":"a"} x`, "JSON object"},
		"a trailing comma":         {`{"node":"a",}`, "JSON object"},
		"no node":                  {`{}`, `"node"`},
		"an empty node":            {`{"node":""}`, `"node"`},
		"a long node":              {`{"node":"` + strings.Repeat("n", 256) + `"}`, `"node"`},
		"a node with line feed":    {`{"node":"a\nb"}`, `"node"`},
		"a number for a text":      {`{"node":1}`, `"node"`},
		"an unknown field":         {`{"node":"a","nodes":"b"}`, `"nodes"`},
		"a field twice":            {`{"node":"a","node":"b"}`, `"node"`},
		"a text for a number":      {`{"node":"a","flush_ms":"1000"}`, `"flush_ms"`},
		"a fraction":               {`{"node":"a","flush_ms":1000.5}`, "JSON"},
		"null":                     {`{"node":"a","flush_ms":null}`, `"flush_ms"`},
		"an object":                {`{"node":{}}`, `"node"`},
		"too short a flush":        {`{"node":"a","flush_ms":99}`, `"flush_ms"`},
		"too long a flush":         {`{"node":"a","flush_ms":60001}`, `"flush_ms"`},
		"a negative tick":          {`{"node":"a","tick_ms":-100}`, `"tick_ms"`},
		"too long a tick":          {`{"node":"a","tick_ms":1001}`, `"tick_ms"`},
		"a number out of bounds":   {`{"node":"a","tick_ms":99999999999999999999}`, `"tick_ms"`},
		"an upper-case header":     {`{"node":"a","key_header":"X-Api-Key"}`, `"key_header"`},
		"a pseudo-header":          {`{"node":"a","key_header":":path"}`, `"key_header"`},
		"our own header":           {`{"node":"a","key_header":"x-weir-key"}`, `"key_header"`},
		"another word for unready": {`{"node":"a","unready":"open"}`, `"unready"`},
		"an unknown way":           {`{"node":"a","identify":"key,cookie"}`, `"identify"`},
		"a way twice":              {`{"node":"a","identify":"key,key"}`, `"identify"`},
		"no way":                   {`{"node":"a","identify":""}`, `"identify"`},
		"a text for a truth":       {`{"node":"a","key_bearer":"true"}`, `"key_bearer"`},
		"keys that are nowhere":    {`{"node":"a","key_header":"","key_bearer":false}`, `"identify"`},
		"a query with escapes":     {`{"node":"a","key_query":"a&b"}`, `"key_query"`},
		"another certificate name": {`{"node":"a","certificate_name":"cn"}`, `"certificate_name"`},
		"a link to a script":       {`{"node":"a","link":"javascript:alert(1)"}`, `"link"`},
		"a link that ends itself":  {`{"node":"a","link":"https://a>"}`, `"link"`},
		"too much of it":           {`{"node":"` + strings.Repeat("n", 64<<10) + `"}`, "64 KiB"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			_, err := parseConfig([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.names) {
				t.Errorf("error %v, want one that names %s", err, c.names)
			}
		})
	}
}

func TestParseToken(t *testing.T) {
	if got, err := parseToken("0123456789", true); err != nil || got != "0123456789" {
		t.Errorf("%q, %v", got, err)
	}
	for _, token := range []string{"", "two words", "line\nfeed", "é", strings.Repeat("x", 4097)} {
		_, err := parseToken(token, true)
		if err == nil || !strings.Contains(err.Error(), "WEIR_NODE_TOKEN") {
			t.Errorf("token %.10q: error %v, want one that names the variable", token, err)
		} else if token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

// FuzzEachField compares with encoding/json, which the module can't afford.
func FuzzEachField(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":"b","c":-12}`, `{"\u0061\n":"\ud83d\ude00"}`, `{"a":01}`, `{"a":"\ud83d"}`, "{\"a\":\"\x80\"}", `{"a":-}`, `{"a":1 "b":2}`, `{"a":true,"b":false}`, `{"a":tru}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, repeated := map[string]any{}, false
		err := eachField(text, func(field string, v flatValue) error {
			_, seen := got[field]
			repeated = repeated || seen
			switch {
			case v.isText:
				got[field] = v.text
			case v.isNumber:
				got[field] = json.Number(v.number)
			case v.isTruth:
				got[field] = v.truth
			}
			return nil
		})
		want := map[string]any{}
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		wantErr := d.Decode(&want)
		if !json.Valid(text) {
			wantErr = errNotFlat
		}
		if err == nil && wantErr != nil {
			t.Fatalf("took %q, which isn't JSON", text)
		}
		if err != nil && wantErr == nil && isFlat(want) && !strings.Contains(string(text), `\u`) && !strings.ContainsRune(string(text), '\ufffd') {
			t.Fatalf("refused %q", text)
		}
		if err == nil && !repeated && !cmp.Equal(got, want) {
			t.Fatalf("%q: %v, want %v", text, got, want)
		}
	})
}

func isFlat(fields map[string]any) bool {
	for name, v := range fields {
		switch v := v.(type) {
		case string:
			if strings.ContainsRune(v, '\ufffd') {
				return false
			}
		case bool:
		case json.Number:
			if !isWhole(v.String()) {
				return false
			}
		default:
			return false
		}
		if strings.ContainsRune(name, '\ufffd') {
			return false
		}
	}
	return true
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("q\"\\\x00\x1f\x7f\u2028\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil || got != string([]rune(s)) {
			t.Fatalf("%q became %q, %v", s, got, err)
		}
	})
}
