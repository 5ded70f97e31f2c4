# Sillage. `make run` starts it with a demo site, `make test` runs every test. Needs Rust, Node, make and a C compiler.
.PHONY: run test test-engines test-replicated test-mutation check e2e vendor engine geo tracker dashboard build bench-load bench-backlog bench-login bench-query golden-update help
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

NPM := npm --no-audit --no-fund --loglevel=error
STAMP := node_modules/.package-lock.json

help: ## these lines
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: build vendor ## start everything on loopback with a demo site and print the addresses
	@exec ./target/release/sillage serve --config deploy/demo.toml --demo

demo-data: build vendor ## four weeks of made-up traffic for the demo site (while it is stopped)
	@./target/release/sillage --log-level warn demo --config deploy/demo.toml --days 28

build: tracker dashboard ## the release binary, tracker and dashboard inside
	@test -x target/release/sillage || echo "building the release binary; the first time takes some minutes"
	@cargo build --release --locked

# What is fetched, not built. The lock file holds the hashes.
vendor: vendor/libchdb.so vendor/country.mmdb ## the embedded engine and the country database, from npm
engine: vendor/libchdb.so
geo: vendor/country.mmdb
vendor/libchdb.so vendor/country.mmdb &: deploy/vendor/package-lock.json deploy/fetch-vendor.sh
	@sh deploy/fetch-vendor.sh

tracker: tracker-js/dist/s.js ## the snippet, with its byte budget
tracker-js/$(STAMP): tracker-js/package-lock.json
	@cd tracker-js && $(NPM) ci && touch $(STAMP)
tracker-js/dist/s.js: tracker-js/$(STAMP) tracker-js/package.json $(shell find tracker-js/src tracker-js/*.mjs -type f 2>/dev/null)
	@cd tracker-js && $(NPM) run build

dashboard: dashboards/web/dist/index.html ## the marketers' page, with its byte budget
dashboards/web/$(STAMP): dashboards/web/package-lock.json
	@cd dashboards/web && $(NPM) ci && touch $(STAMP)
dashboards/web/dist/index.html: dashboards/web/$(STAMP) dashboards/web/index.html $(shell find dashboards/web/src dashboards/web/build dashboards/web/public dashboards/web/*.ts -type f 2>/dev/null)
	@cd dashboards/web && $(NPM) run build

check: tracker tracker-js/$(STAMP) dashboards/web/$(STAMP) ## formatting and lints of everything
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
	cd tracker-js && $(NPM) run check && $(NPM) run check:package
	cd dashboards/web && $(NPM) run check

test: tracker dashboard vendor tests/e2e/$(STAMP) ## every test; ends with the counts
	@sh tests/run.sh

test-engines: tracker vendor ## the tracker in Firefox and WebKitGTK, installed where they are missing
	@sh tests/packages.sh all
	@cargo build --locked
	@cd tracker-js && $(NPM) run test:engines

test-replicated: vendor ## exactly once on replicated tables; SILLAGE_TEST_CLICKHOUSE=http://host:8123 names a server with Keeper
	@cargo test --locked --test replicated

test-mutation: tracker-js/$(STAMP) ## removes each guard of the tracker in turn and sees a test fail
	@cd tracker-js && $(NPM) run test:mutation

tests/e2e/$(STAMP): tests/e2e/package-lock.json
	@cd tests/e2e && $(NPM) ci && touch $(STAMP)

bench-query: vendor ## the wait for the first view over 50 million events (BENCH_EVENTS=N for fewer)
	@cargo bench --locked --bench query

golden-update: vendor ## rewrite golden answers, docs/metrics.md and docs/openapi.json; review the difference
	@GOLDEN_UPDATE=1 cargo test --locked --test query -- golden documents

bench-login: build vendor ## what a flood of log-ins takes from the beacons; needs wrk
	@sh benches/login.sh

bench-load: build vendor ## durable accepts a second beside bare hyper; needs wrk
	@cargo build --release --locked --example bare
	@sh benches/load.sh

bench-backlog: build vendor ## the start with ten million events in the spool
	@cargo build --locked --example backlog
	@sh benches/backlog.sh
