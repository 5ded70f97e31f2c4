#!/bin/sh
# What a flood of log-ins takes from the beacons: durable accepts a second while wrong passwords are sent as fast as 16
# connections can, beside the same flood that is refused before anything is hashed (so that the generator costs the same in
# both). Three pairs, alternating. `COLLECTOR=target/debug/sillage SECONDS_EACH=5 sh benches/login.sh` for a quick look.
set -eu
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-15}
collector=${COLLECTOR:-target/release/sillage}
command -v wrk > /dev/null || { echo "wrk is not installed"; exit 1; }

folder=$(mktemp -d)
collector_pid="" flood_pid=""
end() {
  for pid in $collector_pid $flood_pid; do kill "$pid" 2> /dev/null || true; done
  wait 2> /dev/null || true
  rm -rf "$folder"
}
trap end EXIT INT TERM

cat > "$folder/sillage.toml" <<TOML
listen = "127.0.0.1:0"
trusted_proxies = ["127.0.0.1"]
[engine]
listen = "127.0.0.1:0"
[limits]
beacons_per_second_max = 0
[[site]]
id = "example.com"
timezone = "Asia/Tokyo"
TOML
echo "a long enough password" | "$collector" --log-level off user --config "$folder/sillage.toml" add root > /dev/null

"$collector" --log-level warn serve --config "$folder/sillage.toml" > "$folder/collector" 2> "$folder/log" &
collector_pid=$!
at=""
for _ in $(seq 300); do
  at=$(sed -n 's/.*beacons .*\/\/\([0-9.:]*\)\/.*/\1/p' "$folder/collector")
  [ -n "$at" ] && break
  sleep 0.1
done
[ -n "$at" ] || { echo "not ready in time"; cat "$folder/log"; exit 1; }

# CPU seconds that the thread for passwords has used, in hundredths.
hashing() {
  for thread in /proc/"$collector_pid"/task/*; do
    if [ "$(cat "$thread/comm")" = passwords ]; then
      awk '{ print $14 + $15 }' "$thread/stat"
    fi
  done
}
accepted() { curl -s "http://$at/metrics" | sed -n "s/^sillage_accepted_total //p"; }
rate_during() { # refused | taken
  FLOOD=$1 wrk -t1 -c16 -d"$((seconds + 1))"s -s benches/login.lua "http://$at/login" > "$folder/flood" &
  flood_pid=$!
  before=$(accepted)
  wrk -t1 -c64 -d"$seconds"s -s benches/load.lua "http://$at/api/event" > /dev/null
  after=$(accepted)
  wait "$flood_pid"
  flood_pid=""
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
