#!/bin/sh
# How many beacons a second are durably accepted, beside what a bare hyper server answers to the same bodies on the same
# machine: three pairs, alternating. Called by `make bench-load`; `SECONDS_EACH=60` lets it run longer.
# Prints, and writes to benches/results/, the rates, their ratio, the backlog of the spool and the collector's memory.
set -eu
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-15}
pairs=3
collector=target/release/sillage
bare=target/release/examples/bare
if ! command -v wrk > /dev/null; then
  [ "$(id -u)" = 0 ] && apt-get install -qq wrk > /dev/null || { echo "wrk is not installed"; exit 1; }
fi

folder=$(mktemp -d)
collector_pid="" bare_pid=""
end() {
  for pid in $collector_pid $bare_pid; do kill "$pid" 2> /dev/null || true; done
  wait 2> /dev/null || true
  rm -rf "$folder"
}
trap end EXIT INT TERM

cat > "$folder/sillage.toml" <<TOML
listen = "127.0.0.1:0"
trusted_proxies = ["127.0.0.1"]
[engine]
listen = "127.0.0.1:0"
[geo]
database = "$PWD/vendor/country.mmdb"
[[site]]
id = "example.com"
timezone = "Asia/Tokyo"
TOML

wait_for() { # file, pattern: the line, once it is there
  for _ in $(seq 300); do
    line=$(grep -m1 "$2" "$1" 2> /dev/null) && { echo "$line" | grep -oE '[0-9.]+:[0-9]+' | head -1; return; }
    sleep 0.1
  done
  echo "no $2 in time" >&2
  exit 1
}

"$collector" --log-level warn serve --config "$folder/sillage.toml" > "$folder/collector" 2> "$folder/log" &
collector_pid=$!
"$bare" 127.0.0.1:0 > "$folder/bare" &
bare_pid=$!
collector_at=$(wait_for "$folder/collector" beacons)
bare_at=$(wait_for "$folder/bare" http)

load() { wrk -t1 -c64 -d"$1"s -s benches/load.lua "http://$2/api/event" | sed -n 's/^RESULT //p'; }
metric() { curl -s "http://$collector_at/metrics" | sed -n "s/^$1 //p"; }
memory() { sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$collector_pid/status"; }

load 2 "$bare_at" > /dev/null
load 2 "$collector_at" > /dev/null
rows="" ratios=""
for pair in $(seq $pairs); do
  set -- $(load "$seconds" "$bare_at")
  bare_rate=$1
  accepted=$(metric sillage_accepted_total)
  set -- $(load "$seconds" "$collector_at")
  backlog=$(metric sillage_spool_bytes)
  accepted=$(($(metric sillage_accepted_total) - accepted))
  rate=$((accepted / seconds))
  ratio=$(awk "BEGIN { printf \"%.2f\", $rate / $bare_rate }")
  ratios="$ratios $ratio"
  row="| $pair | $bare_rate | $rate | $ratio | $2 | $3 | $4 | $(awk "BEGIN { printf \"%.1f\", $backlog / 1e6 }") |"
  echo "$row"
  rows="$rows$row
"
done
median=$(printf '%s\n' $ratios | sort -n | sed -n "$(((pairs + 1) / 2))p")
resident=$(memory VmRSS) peak=$(memory VmHWM)
accepted_all=$(metric sillage_accepted_total)

date=$(date -u +%Y-%m-%d)
result=benches/results/$date-load.md
mkdir -p benches/results
{
  echo "# Durable accepts beside bare hyper, $date"
  echo
  echo "\`make bench-load\` (SECONDS_EACH=$seconds): \`wrk -t1 -c64\` with \`benches/load.lua\`, generator, collector, engine and bare server on one machine."
  echo
  echo "- Sillage $(git rev-parse --short HEAD), $(rustc --version), $(wrk --version 2>&1 | head -1 | cut -d' ' -f1-2), Linux $(uname -r), $(nproc) cores, spool on $(df --output=fstype "$folder" | tail -1)"
  echo "- load average when it began to write this: $(cut -d' ' -f1-3 /proc/loadavg) (more than about 4 means that others used the machine)"
  echo "- **median ratio: $median** (must be 0.50, goal 0.70)"
  echo "- collector's memory afterwards $((resident / 1024)) MB, at most $((peak / 1024)) MB; $accepted_all beacons accepted in all"
  echo
  echo "| pair | bare hyper, answers/s | collector, durable accepts/s | ratio | collector: other answers | median ms | 99 % ms | spool at the end, MB |"
  echo "|---|---|---|---|---|---|---|---|"
  printf '%s' "$rows"
} > "$result"
echo "median ratio $median; memory $((resident / 1024)) MB, at most $((peak / 1024)) MB; written to $result"
