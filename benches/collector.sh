# Sourced by the benchmarks in this folder: a collector on free ports in a temporary folder, which is always
# stopped and removed. COLLECTOR replaces the release build with another binary.
# shellcheck shell=sh

collector=${COLLECTOR:-target/release/sillage}
folder=$(mktemp -d "${TMPDIR:-/tmp}/sillage-bench.XXXXXX")
collector_pid=""
other_pids=""
clean_up() {
  for pid in $collector_pid $other_pids; do kill "$pid" 2> /dev/null || true; done
  wait 2> /dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

configure() { # keys at the top, tables: writes the configuration
  printf 'listen = "127.0.0.1:0"\n%s\n[engine]\nlisten = "127.0.0.1:0"\n%s\n' "$1" "$2" > "$folder/sillage.toml"
}

start_collector() { # log level: starts it and does not wait
  : > "$folder/log"
  : > "$folder/out"
  "$collector" --log-level "$1" serve --config "$folder/sillage.toml" > "$folder/out" 2> "$folder/log" &
  collector_pid=$!
}

address_in() { # file, pattern: the address in the first line that matches, waiting up to 30 s for it
  for _ in $(seq 3000); do
    line=$(grep -m1 "$2" "$1" 2> /dev/null) && { echo "$line" | grep -oE '127\.0\.0\.1:[0-9]+' | head -1; return; }
    sleep 0.01
  done
  echo "no line with '$2' in $1 after 30 s" >&2
  cat "$folder/log" >&2
  return 1
}

metric() { # name: its current value; `at` is the collector's address
  curl -s "http://$at/metrics" | sed -n "s/^$1 //p"
}

memory_mb() { # VmRSS or VmHWM of the collector
  awk "/^$1:/ { print int(\$2 / 1024) }" "/proc/$collector_pid/status"
}
