package cli

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/controlplane/secretenv"
)

// tokenName is the environment variable that an API token comes from.
const tokenName = "WEIR_API_TOKEN"

// defaultURL is where weir serve and weir dev listen unless told otherwise.
const defaultURL = "http://127.0.0.1:8080"

// Remote is the control plane that a command asks.
type Remote struct {
	URL       string        `env:"WEIR_URL" placeholder:"URL" help:"The control plane; by default the profile's, or ${default_url}."`
	Profile   string        `env:"WEIR_PROFILE" default:"default" help:"Which profile of weir login to use where URL or token are not given."`
	CA        string        `name:"ca" env:"WEIR_CA" placeholder:"FILE" help:"Certificates, in PEM, that the control plane's is checked against; by default the profile's, or the system's."`
	PlainHTTP bool          `env:"WEIR_PLAIN_HTTP" help:"Send the API token to another machine without TLS."`
	Timeout   time.Duration `default:"30s" help:"How long one call may take."`
}

// ProvideClient gives the Run of a command that has these flags its client. Flags and
// environment variables go before the profile.
func (r Remote) ProvideClient(t *Terminal) (*client.Client, error) {
	token, err := secretenv.Read(tokenName)
	if err != nil {
		return nil, err
	}
	config := client.Config{URL: r.URL, Token: token, CAFile: r.CA, PlainHTTP: r.PlainHTTP, Timeout: r.Timeout, Wait: t.Wait, Now: t.Now, Field: t.field, Retrying: t.retrying}
	kept, found, err := readProfile(r.Profile)
	if err != nil {
		return nil, err
	}
	if found {
		// The token is for the place that it was stored with, and for no other.
		if config.Token == "" && (config.URL == "" || config.URL == kept.URL) {
			config.Token = kept.Token
		}
		if config.URL == "" || config.URL == kept.URL {
			config.URL = kept.URL
			config.PlainHTTP = config.PlainHTTP || kept.PlainHTTP
			if config.CAFile == "" {
				config.CAFile = kept.CA
			}
		}
	} else if r.Profile != "default" {
		return nil, fmt.Errorf("there is no profile %q; make it with weir login --profile %[1]s", r.Profile)
	}
	if config.URL == "" {
		config.URL = defaultURL
	}
	return client.New(config)
}
