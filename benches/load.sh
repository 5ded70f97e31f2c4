#!/bin/sh
# Durable accepts per second, compared with the answers of a bare hyper server to the same bodies on the same
# machine: three pairs, alternating. Called by `make bench-load`; `SECONDS_EACH=60` runs longer.
# Prints the rates, their ratio, the spool's backlog and the collector's memory, and writes them to
# benches/results/.
set -eu
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-15}
pairs=3
if ! command -v wrk > /dev/null; then
  [ "$(id -u)" = 0 ] && apt-get install -qq wrk > /dev/null || { echo "wrk is not installed"; exit 1; }
fi
. benches/collector.sh
configure 'trusted_proxies = ["127.0.0.1"]' "[geo]
database = \"$PWD/vendor/country.mmdb\"
[[site]]
id = \"example.com\"
timezone = \"Asia/Tokyo\""
start_collector warn
"$(dirname "$collector")/examples/bare" 127.0.0.1:0 > "$folder/bare" &
other_pids=$!
at=$(address_in "$folder/out" beacons)
bare_at=$(address_in "$folder/bare" http)

load() { wrk -t1 -c64 -d"$1"s -s benches/load.lua "http://$2/api/event" | sed -n 's/^RESULT //p'; }

load 2 "$bare_at" > /dev/null
load 2 "$at" > /dev/null
rows="" ratios=""
for pair in $(seq $pairs); do
  set -- $(load "$seconds" "$bare_at")
  bare_rate=$1
  accepted=$(metric sillage_accepted_total)
  set -- $(load "$seconds" "$at")
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
resident=$(memory_mb VmRSS) peak=$(memory_mb VmHWM)
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
  echo "- load average at the end: $(cut -d' ' -f1-3 /proc/loadavg) (above about 4, other programs used the machine)"
  echo "- **median ratio: $median** (must be 0.50, goal 0.70)"
  echo "- collector's memory afterwards $resident MB, at most $peak MB; $accepted_all beacons accepted in total"
  echo
  echo "| pair | bare hyper, answers/s | collector, durable accepts/s | ratio | collector: other answers | median ms | 99 % ms | spool at the end, MB |"
  echo "|---|---|---|---|---|---|---|---|"
  printf '%s' "$rows"
} > "$result"
echo "median ratio $median; memory $resident MB, at most $peak MB; written to $result"
