#!/bin/sh
# How soon the collector takes beacons with a backlog in its spool, how much memory it then takes, and how fast it drains.
# Called by `make bench-backlog`; `EVENTS=1000000` lays down fewer than ten million, which need 3 GB of disk.
set -eu
cd "$(dirname "$0")/.."
events=${EVENTS:-10000000}
collector=target/release/sillage
folder=$(mktemp -d "${TMPDIR:-/tmp}/sillage-backlog.XXXXXX")
collector_pid=""
end() {
  [ -z "$collector_pid" ] || kill -KILL "$collector_pid" 2> /dev/null || true
  wait 2> /dev/null || true
  rm -rf "$folder"
}
trap end EXIT INT TERM

cat > "$folder/sillage.toml" <<TOML
listen = "127.0.0.1:0"
[engine]
listen = "127.0.0.1:0"
[geo]
database = "$PWD/vendor/country.mmdb"
[[site]]
id = "example.com"
TOML

start() {
  : > "$folder/log"
  "$collector" --log-level info serve --config "$folder/sillage.toml" > "$folder/out" 2> "$folder/log" &
  collector_pid=$!
}
now_ms() { date +%s%3N; }
address() {
  for _ in $(seq 3000); do
    found=$(sed -n 's/.*address=\([0-9.:]*\).*/\1/p' "$folder/log" | head -1)
    [ -n "$found" ] && { echo "$found"; return; }
    sleep 0.01
  done
  cat "$folder/log" >&2
  exit 1
}
beacon() {
  curl -s -o "$folder/answer" -w '%{http_code}' -X POST "http://$1/api/event" \
    -A 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0' \
    --data '{"n":"pageview","u":"https://example.com/some/page","d":"example.com","c":1,"r":"https://www.google.com/"}'
}
metric() { curl -s "http://$at/metrics" | sed -n "s/^$1 //p"; }
memory() { awk "/^$1:/ { print int(\$2 / 1024) }" "/proc/$collector_pid/status"; }

processor() { awk '{ printf "%.2f", ($14 + $15) / 100 }' "/proc/$collector_pid/stat"; }

# One true event, caught in the spool by a kill.
start
at=$(address)
[ "$(beacon "$at")" = 202 ] || { cat "$folder/answer"; exit 1; }
kill -KILL "$collector_pid"
wait "$collector_pid" 2> /dev/null || true
cargo run --quiet --locked --example backlog -- "$folder/data/spool" "$events"

begun=$(now_ms)
start
at=$(address)
[ "$(beacon "$at")" = 202 ] || { cat "$folder/answer"; exit 1; }
echo "takes beacons $(($(now_ms) - begun)) ms after its start, with $events events waiting; $(processor) s of processor time, memory $(memory VmRSS) MB"
most=0
until [ "$(curl -s -o /dev/null -w '%{http_code}' "http://$at/readyz")" = 200 ]; do sleep 0.02; done
echo "answers queries $(($(now_ms) - begun)) ms after its start"
while [ "$(metric sillage_spool_segments)" -gt 2 ]; do
  resident=$(memory VmRSS)
  [ "$resident" -le "$most" ] || most=$resident
  [ "$(beacon "$at")" = 202 ] || { echo "a new beacon was refused"; cat "$folder/answer"; exit 1; }
  sleep 0.2
done
echo "drained $(($(now_ms) - begun)) ms after its start; at most $most MB meanwhile, peak $(memory VmHWM) MB"
