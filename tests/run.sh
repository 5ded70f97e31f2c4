#!/bin/sh
# Runs every suite, also when one fails, and ends with the counts of all of them. Called by `make test`.
set -u
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed_suites=""

suite() { # name, command ...
  name=$1
  shift
  printf '\n== %s\n' "$name"
  # A pipe would hide the exit code; this keeps it in a file.
  { "$@" 2>&1; echo $? > "$logs/$name.code"; } | tee "$logs/$name.log"
  [ "$(cat "$logs/$name.code")" = 0 ] || failed_suites="$failed_suites $name"
}

sum() { # pattern, files ...: adds up the number that the pattern's group finds
  pattern=$1
  shift
  cat "$@" 2>/dev/null | sed 's/\x1b\[[0-9;]*m//g' | sed -nE "s/$pattern/\1/p" | awk '{ total += $1 } END { print total + 0 }'
}

sh tests/packages.sh || exit 1
suite rust cargo test --locked --no-fail-fast
suite tracker npm --prefix tracker-js --silent run test
suite chromium npm --prefix tracker-js --silent run test:chromium
suite dashboard npm --prefix dashboards/web --silent run test
suite pictures npm --prefix dashboards/web --silent run test:e2e
suite e2e npm --prefix tests/e2e --silent run test

rust_passed=$(sum '^test result: .* ([0-9]+) passed;.*' "$logs/rust.log")
rust_failed=$(sum '^test result: .* ([0-9]+) failed;.*' "$logs/rust.log")
unit_passed=$(sum '^ *Tests .*[^0-9]([0-9]+) passed.*' "$logs/tracker.log" "$logs/dashboard.log" "$logs/pictures.log")
unit_failed=$(sum '^ *Tests .*[^0-9]([0-9]+) failed.*' "$logs/tracker.log" "$logs/dashboard.log" "$logs/pictures.log")
chromium_passed=$(sum '^ *Tests .*[^0-9]([0-9]+) passed.*' "$logs/chromium.log")
chromium_failed=$(sum '^ *Tests .*[^0-9]([0-9]+) failed.*' "$logs/chromium.log")
e2e_passed=$(sum '^# pass ([0-9]+)$' "$logs/e2e.log")
e2e_failed=$(sum '^# fail ([0-9]+)$' "$logs/e2e.log")
passed=$((rust_passed + unit_passed + chromium_passed + e2e_passed))
failed=$((rust_failed + unit_failed + chromium_failed + e2e_failed))

printf '\n== counts\nrust: %s passed, %s failed\ntracker and dashboard: %s passed, %s failed\ntracker in Chromium: %s passed, %s failed\nbrowser, end to end: %s passed, %s failed\n' \
  "$rust_passed" "$rust_failed" "$unit_passed" "$unit_failed" "$chromium_passed" "$chromium_failed" "$e2e_passed" "$e2e_failed"
# A test that skips itself says nothing; it must not look well for that.
skipped=$(($(sum '^test result: .* ([0-9]+) ignored;.*' "$logs/rust.log") \
  + $(sum '^ *Tests .*[^0-9]([0-9]+) skipped.*' "$logs"/*.log) + $(sum '^# skipped ([0-9]+)$' "$logs/e2e.log")))
[ "$skipped" = 0 ] || failed_suites="$failed_suites ($skipped skipped)"
# A suite that breaks off has no counts to show; it must not look well for that.
for part in $rust_passed $unit_passed $chromium_passed $e2e_passed; do
  [ "$part" -gt 0 ] || failed_suites="$failed_suites (one ran no test)"
done
[ -z "$failed_suites" ] || { echo "failed:$failed_suites"; [ "$failed" -gt 0 ] || failed=1; }
echo "$passed passed, $failed failed"
[ -z "$failed_suites" ] && [ "$failed" = 0 ]
