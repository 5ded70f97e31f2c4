#!/bin/sh
# Runs every suite, even after one fails, and prints the counts of all. Called by `make test`.
set -u
cd "$(dirname "$0")/.."
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed_suites=""
# `make test` has built the tracker and the dashboard; the browser suites need not do so again.
export ASSETS_ARE_BUILT=1

run_suite() { # name, command ...: keeps output, exit code and seconds in files (a pipe would hide the exit code)
  name=$1
  shift
  from=$(date +%s)
  "$@" 2>&1
  echo $? > "$logs/$name.code"
  echo $(($(date +%s) - from)) > "$logs/$name.seconds"
}
end_suite() { # name
  [ "$(cat "$logs/$1.code")" = 0 ] || failed_suites="$failed_suites $1"
  durations="${durations:-}$1 $(cat "$logs/$1.seconds") s, "
}
suite() { # name, command ...
  printf '\n== %s\n' "$1"
  run_suite "$@" | tee "$logs/$1.log"
  end_suite "$1"
}

sum() { # pattern, files ...: adds up the number that the pattern's group finds
  pattern=$1
  shift
  cat "$@" 2>/dev/null | sed 's/\x1b\[[0-9;]*m//g' | sed -nE "s/$pattern/\1/p" | awk '{ total += $1 } END { print total + 0 }'
}

sh tests/packages.sh || exit 1
# The unit tests in JavaScript run while Cargo compiles, which sometimes leaves a core idle. All other suites
# run alone, since some tests measure time.
unit_tests() {
  run_suite tracker npm --prefix tracker-js --silent run test > "$logs/tracker.log"
  run_suite dashboard npm --prefix dashboards/web --silent run test > "$logs/dashboard.log"
}
unit_tests &
suite compile cargo test --locked --workspace --no-run
wait
for name in tracker dashboard; do
  printf '\n== %s\n' "$name"
  cat "$logs/$name.log"
  end_suite "$name"
done
# Most tests wait for the store, so run more tests at once than the machine has cores.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(nproc) + 2))}"
suite rust cargo test --locked --workspace --no-fail-fast
suite chromium npm --prefix tracker-js --silent run test:chromium
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
echo "durations: ${durations%, }"
# A skipped test proves nothing, so it fails the run.
skipped=$(($(sum '^test result: .* ([0-9]+) ignored;.*' "$logs/rust.log") \
  + $(sum '^ *Tests .*[^0-9]([0-9]+) skipped.*' "$logs"/*.log) + $(sum '^# skipped ([0-9]+)$' "$logs/e2e.log")))
[ "$skipped" = 0 ] || failed_suites="$failed_suites ($skipped skipped)"
# A suite that crashed has no counts, so a count of zero fails the run.
for part in $rust_passed $unit_passed $chromium_passed $e2e_passed; do
  [ "$part" -gt 0 ] || failed_suites="$failed_suites (one ran no test)"
done
[ -z "$failed_suites" ] || { echo "failed:$failed_suites"; [ "$failed" -gt 0 ] || failed=1; }
echo "$passed passed, $failed failed"
[ -z "$failed_suites" ] && [ "$failed" = 0 ]
