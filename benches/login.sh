#!/bin/sh
# The effect of a flood of log-ins on beacons. Called by `make bench-login`.
#
# Durable accepts per second while 16 connections send wrong passwords as fast as they can, compared with the
# same flood refused before any hashing, so that the load generator has the same cost in both. Three pairs,
# alternating. `COLLECTOR=target/debug/sillage SECONDS_EACH=5 sh benches/login.sh` for a quick look.
set -eu
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-15}
command -v wrk > /dev/null || { echo "wrk is not installed"; exit 1; }
. benches/collector.sh
configure 'trusted_proxies = ["127.0.0.1"]' '[limits]
beacons_per_second_max = 0
[[site]]
id = "example.com"
timezone = "Asia/Tokyo"'
echo "a long enough password" | "$collector" --log-level off user --config "$folder/sillage.toml" add root > /dev/null
start_collector warn
at=$(address_in "$folder/out" beacons)

# CPU time of the thread that hashes passwords, in hundredths of a second.
hashing() {
  for thread in /proc/"$collector_pid"/task/*; do
    if [ "$(cat "$thread/comm")" = passwords ]; then
      awk '{ print $14 + $15 }' "$thread/stat"
    fi
  done
}
accepted() { metric sillage_accepted_total; }
rate_during() { # refused | taken
  FLOOD=$1 wrk -t1 -c16 -d"$((seconds + 1))"s -s benches/login.lua "http://$at/login" > "$folder/flood" &
  flood_pid=$!
  other_pids=$flood_pid
  before=$(accepted)
  wrk -t1 -c64 -d"$seconds"s -s benches/load.lua "http://$at/api/event" > /dev/null
  after=$(accepted)
  wait "$flood_pid"
  other_pids=""
  echo $(((after - before) / seconds))
}

rate_during refused > /dev/null
ratios=""
for pair in 1 2 3; do
  refused=$(rate_during refused)
  hashed=$(hashing)
  taken=$(rate_during taken)
  hashed=$(($(hashing) - hashed))
  ratio=$(awk "BEGIN { printf \"%.2f\", $taken / $refused }")
  ratios="$ratios $ratio"
  echo "pair $pair: $refused/s while refused, $taken/s while hashed, ratio $ratio ($(sed -n 's/^Requests\/sec: *//p' "$folder/flood") log-ins/s sent, hashing took $(awk "BEGIN { printf \"%.2f\", $hashed / 100 / ($seconds + 1) }") of a core)"
done
printf 'median %s\n' "$(printf '%s\n' $ratios | sort -n | sed -n 2p)"
