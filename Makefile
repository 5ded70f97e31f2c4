# Sillage. `make run` starts it with a demo site, `make test` runs every test, `make help` lists the targets.
# Needs Rust, Node, make and a C compiler.
.PHONY: help run demo-data build quick dist vendor engine geo tracker dashboard \
  check check-rust check-js check-comments check-dependencies \
  packages test test-engines test-replicated test-mutation golden-update \
  bench-load bench-backlog bench-login bench-query
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

NPM := npm --no-audit --no-fund --loglevel=error
STAMP := node_modules/.package-lock.json
# With the same packages and targets everywhere, Cargo compiles each dependency once.
TEST := cargo test --locked --workspace

help: ## these lines
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

run: quick vendor ## start everything on loopback with a demo site and print the addresses
	@exec ./target/quick/sillage serve --config deploy/demo.toml --demo

demo-data: quick vendor ## generate four weeks of traffic for the demo site (while it is stopped)
	@./target/quick/sillage --log-level warn demo --config deploy/demo.toml --days 28

quick: tracker dashboard ## a binary that compiles in a few minutes, for trying Sillage: target/quick/sillage
	@test -x target/quick/sillage || echo "compiling; the first time takes some minutes"
	@cargo build --locked --profile quick

build: tracker dashboard ## the release binary, tracker and dashboard inside: target/release/sillage
	@test -x target/release/sillage || echo "compiling with all optimisations; the first time takes more than ten minutes on two cores"
	@cargo build --locked --release

dist: build vendor ## what a server needs, as one tar.gz in target/dist
	@sh deploy/dist.sh

# Downloaded files. The lock file holds their hashes.
vendor: vendor/libchdb.so vendor/country.mmdb ## the embedded engine and the country database, from npm
engine: vendor/libchdb.so
geo: vendor/country.mmdb
vendor/libchdb.so vendor/country.mmdb &: deploy/vendor/package-lock.json deploy/fetch-vendor.sh
	@sh deploy/fetch-vendor.sh

tracker: tracker-js/dist/s.js ## the tracker, within its byte budget
tracker-js/$(STAMP): tracker-js/package-lock.json
	@cd tracker-js && $(NPM) ci && touch $(STAMP)
tracker-js/dist/s.js: tracker-js/$(STAMP) tracker-js/package.json $(shell find tracker-js/src tracker-js/*.mjs -type f 2>/dev/null)
	@cd tracker-js && $(NPM) run build

dashboard: dashboards/web/dist/index.html ## the dashboard, within its byte budget
dashboards/web/$(STAMP): dashboards/web/package-lock.json
	@cd dashboards/web && $(NPM) ci && touch $(STAMP)
dashboards/web/dist/index.html: dashboards/web/$(STAMP) dashboards/web/index.html $(shell find dashboards/web/src dashboards/web/build dashboards/web/public dashboards/web/*.ts -type f 2>/dev/null)
	@cd dashboards/web && $(NPM) run build

check: check-comments check-js check-rust check-dependencies ## formatting and lints of everything

check-rust: tracker
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

check-js: tracker dashboards/web/$(STAMP)
	cd tracker-js && $(NPM) run check && $(NPM) run check:package
	cd dashboards/web && $(NPM) run check

check-comments:
	node --test --test-reporter=dot tests/style

check-dependencies: ## licences and sources of the dependencies, and known vulnerabilities if the list can be reached
	@sh tests/deny.sh

packages: ## install the Debian packages of the tests: Chromium, Firefox, WebKitGTK, fonts
	@sh tests/packages.sh all

test: tracker dashboard vendor tests/e2e/$(STAMP) ## every test; ends with the counts
	@sh tests/run.sh

test-engines: tracker vendor ## the tracker in Firefox and WebKitGTK, which are installed if missing
	@sh tests/packages.sh all
	@$(TEST) --no-run
	@cd tracker-js && ASSETS_ARE_BUILT=1 $(NPM) run test:engines

test-replicated: vendor ## exactly once on replicated tables; SILLAGE_TEST_CLICKHOUSE=http://host:8123 names a server with Keeper
	@cargo test --locked --test replicated

test-mutation: tracker-js/$(STAMP) ## removes each guard of the tracker in turn and expects a test to fail
	@cd tracker-js && $(NPM) run test:mutation

tests/e2e/$(STAMP): tests/e2e/package-lock.json
	@cd tests/e2e && $(NPM) ci && touch $(STAMP)

golden-update: vendor ## rewrite golden answers, docs/metrics.md and docs/openapi.json; review the difference
	@GOLDEN_UPDATE=1 cargo test --locked --test query -- golden documents

bench-query: vendor ## response time of the first view over 50 million events (BENCH_EVENTS=N for fewer)
	@cargo bench --locked --bench query

bench-login: build vendor ## the effect of a flood of log-ins on beacons; needs wrk
	@sh benches/login.sh

bench-load: build vendor ## durable accepts per second, compared with bare hyper; needs wrk
	@cargo build --locked --release --example bare
	@sh benches/load.sh

bench-backlog: build vendor ## the start with ten million events in the spool
	@cargo build --locked --example backlog
	@sh benches/backlog.sh
