#!/bin/sh
# The start with a full spool: the time until the collector accepts beacons and answers queries, its memory, and
# how fast the backlog drains. Called by `make bench-backlog`. The default of ten million events needs 3 GB of
# disk; `EVENTS=1000000` writes fewer.
set -eu
cd "$(dirname "$0")/.."
events=${EVENTS:-10000000}
. benches/collector.sh
configure "" "[geo]
database = \"$PWD/vendor/country.mmdb\"
[[site]]
id = \"example.com\""

now_ms() { date +%s%3N; }
# The log names the address as soon as beacons are accepted, before queries are answered.
collector_address() { address_in "$folder/log" address=; }
beacon() {
  curl -s -o "$folder/answer" -w '%{http_code}' -X POST "http://$1/api/event" \
    -A 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0' \
    --data '{"n":"pageview","u":"https://example.com/some/page","d":"example.com","c":1,"r":"https://www.google.com/"}'
}
cpu_seconds() { awk '{ printf "%.2f", ($14 + $15) / 100 }' "/proc/$collector_pid/stat"; }

# One real event, left in the spool by a kill.
start_collector info
at=$(collector_address)
[ "$(beacon "$at")" = 202 ] || { cat "$folder/answer"; exit 1; }
kill -KILL "$collector_pid"
wait "$collector_pid" 2> /dev/null || true
cargo run --quiet --locked --example backlog -- "$folder/data/spool" "$events"

begun=$(now_ms)
start_collector info
at=$(collector_address)
[ "$(beacon "$at")" = 202 ] || { cat "$folder/answer"; exit 1; }
echo "accepts beacons $(($(now_ms) - begun)) ms after its start, with $events events waiting; $(cpu_seconds) s of CPU time, memory $(memory_mb VmRSS) MB"
most=0
until [ "$(curl -s -o /dev/null -w '%{http_code}' "http://$at/readyz")" = 200 ]; do sleep 0.02; done
echo "answers queries $(($(now_ms) - begun)) ms after its start"
while [ "$(metric sillage_spool_segments)" -gt 2 ]; do
  resident=$(memory_mb VmRSS)
  [ "$resident" -le "$most" ] || most=$resident
  [ "$(beacon "$at")" = 202 ] || { echo "a new beacon was refused"; cat "$folder/answer"; exit 1; }
  sleep 0.2
done
echo "drained $(($(now_ms) - begun)) ms after its start; at most $most MB meanwhile, peak $(memory_mb VmHWM) MB"
