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
		want := config{node: "gateway-1", edgeCluster: "weir_edge", flushMS: 1000, tickMS: 100, keyHeader: "x-api-key"}
		if err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
	t.Run("takes every field", func(t *testing.T) {
		got, err := parseConfig([]byte(` { "node" : "gw \u00e9\ud83d\ude00" , "edge_cluster":"e","flush_ms":250,"tick_ms":50,"key_header":"api_key","unready":"allow" } `))
		want := config{node: "gw é😀", edgeCluster: "e", flushMS: 250, tickMS: 50, keyHeader: "api_key", allowUnready: true}
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
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":"b","c":-12}`, `{"\u0061\n":"\ud83d\ude00"}`, `{"a":01}`, `{"a":"\ud83d"}`, "{\"a\":\"\x80\"}", `{"a":-}`, `{"a":1 "b":2}`} {
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
