#!/usr/bin/env bash
# soak-growth.sh: does a store that has grown take as much as an empty one? Fills it, and measures accepted/s, the p99
# of accepting at half of that, and memory, before and after; one table at the end. From the environment:
#   GROWTH_EVENTS=10000000  GROWTH_TENANTS=10000  GROWTH_WAITING=1000000   how far it grows
#   ENGINES="sqlite postgres"   DURATION=5 (seconds of one load)   RUNS=3
#   BENCH_DIR, BENCH_TARGET_DIR, TIELINE_BIN, WITH_POSTGRES_BIN             as in bench.sh
# TIELINE_BIN decides what is measured; without it a release is built. SQLite needs about 1 KiB of disk for each event.
set -euo pipefail
cd "$(dirname "$0")/.."

GROWTH_EVENTS=${GROWTH_EVENTS:-10000000}
GROWTH_TENANTS=${GROWTH_TENANTS:-10000}
GROWTH_WAITING=${GROWTH_WAITING:-1000000}
ENGINES=${ENGINES:-sqlite postgres}
DURATION=${DURATION:-5}
RUNS=${RUNS:-3}
BENCH_DIR=${BENCH_DIR:-../shared/bench}
OUT=$PWD/target/bench
TOOLS=${BENCH_TARGET_DIR:-$OUT/tools}/release
SERVER=127.0.0.1:9080
SECRET=bench-secret-of-the-source
export TIELINE_OWNER_KEY=bench-owner-key-0123456789
export TIELINE_LOG_LEVEL=warn

say() { echo "growth: $*" >&2; }
fail() { say "$*"; exit 1; }

if [ -z "${TIELINE_BIN:-}" ]; then
  cargo build --release --workspace --bins
  TIELINE_BIN=${CARGO_TARGET_DIR:-$PWD/target}/release/tieline
fi
export TIELINE_BIN
WITH_POSTGRES_BIN=${WITH_POSTGRES_BIN:-$(dirname "$TIELINE_BIN")/with-postgres}
if [ ! -x "$TOOLS/bench-load" ]; then
  [ -d "$BENCH_DIR" ] || fail "the yardstick is missing: set BENCH_DIR to the directory of bench-load"
  cargo build --release --manifest-path "$BENCH_DIR/Cargo.toml" --target-dir "${BENCH_TARGET_DIR:-$OUT/tools}"
fi
if [ -z "${BENCH_INNER:-}" ] && [[ " $ENGINES " == *" postgres "* ]]; then
  [ -x "$WITH_POSTGRES_BIN" ] || fail "$WITH_POSTGRES_BIN is missing: build it, or set ENGINES=sqlite"
  BENCH_INNER=1 exec "$WITH_POSTGRES_BIN" --fsync -- "$0" "$@"
fi

WORK=$OUT/growth.$$
mkdir -p "$WORK"
server_pid=''
stop_server() {
  [ -n "$server_pid" ] || return 0
  kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=''
}
trap 'stop_server; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

field() { python3 -c 'import json,sys
v=json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v=(v or {}).get(k)
print(0 if v is None else v)' "$1" "$2"; }
median() { python3 -c 'import statistics,sys; print(statistics.median(map(float,sys.argv[1:])))' "$@"; }
calc() { python3 -c "print($1)"; }

start_server() {
  local began; began=$(date +%s%N)
  : >"$WORK/server.log"
  "$TIELINE_BIN" serve --listen "$SERVER" --data "$WORK/data" --database "$store" >"$WORK/server.log" 2>"$WORK/server.err" &
  server_pid=$!
  until grep -q 'is ready' "$WORK/server.log"; do
    kill -0 "$server_pid" 2>/dev/null || fail "the server did not start: $(tail -n 3 "$WORK/server.err")"
    sleep 0.01
  done
  ready_ms=$((($(date +%s%N) - began) / 1000000))
}
load() { "$TOOLS/bench-load" -d "$DURATION" --hmac-secret "$SECRET" --watch "server=$server_pid" --url "$in" "$@" >"$WORK/l"; }

# measure: sets accepted, p99 (ms), memory (MiB), ready_ms of $store
measure() {
  local all=() late=()
  start_server
  in=http://$SERVER/in/$(curl --silent --fail -H "x-api-key: $TIELINE_OWNER_KEY" -H 'content-type: application/json' \
    --data '{"name":"bench","verification":{"scheme":"hmac-sha256"},"secret":"'"$SECRET"'"}' \
    "http://$SERVER/v1/webhooks/incoming" | python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])')
  for _ in $(seq "$RUNS"); do load -c 256; all+=("$(field "$WORK/l" accepted_per_s)"); done
  accepted=$(median "${all[@]}")
  for _ in $(seq "$RUNS"); do load -c 256 -r "$(calc "$accepted/2")"; late+=("$(field "$WORK/l" latency_us.p99)"); done
  p99=$(calc "$(median "${late[@]}")/1000")
  memory=$(calc "$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$server_pid/status") / 1024")
  stop_server
}

table=''
for engine in $ENGINES; do
  case $engine in
    sqlite) store=$WORK/store.db ;;
    postgres)
      [ -n "${TIELINE_TEST_POSTGRES:-}" ] || { say "no PostgreSQL: skipped"; continue; }
      psql --quiet "$TIELINE_TEST_POSTGRES" --command 'CREATE DATABASE growth' >/dev/null
      store=${TIELINE_TEST_POSTGRES%/*}/growth ;;
  esac
  measure
  before="$accepted $p99"
  table+=$(printf '| %s, empty | %.0f | %.1f | %.0f | %s |' "$engine" "$accepted" "$p99" "$memory" "$ready_ms")$'\n'
  TIELINE_GROWTH_DATABASE=$store TIELINE_GROWTH_EVENTS=$GROWTH_EVENTS TIELINE_GROWTH_TENANTS=$GROWTH_TENANTS \
    TIELINE_GROWTH_WAITING=$GROWTH_WAITING cargo test --profile bench --workspace --test growth -- --nocapture 2>&1 | grep '^growth:' >&2
  measure
  read -r was late <<<"$before"
  table+=$(printf '| %s, grown | %.0f (%+.0f %%) | %.1f (%+.0f %%) | %.0f | %s |' "$engine" "$accepted" \
    "$(calc "100*($accepted/$was-1)")" "$p99" "$(calc "100*($p99/max($late,0.001)-1)")" "$memory" "$ready_ms")$'\n'
done
echo "$GROWTH_EVENTS events, $GROWTH_TENANTS tenants, $GROWTH_WAITING waiting retries; medians of $RUNS runs of $DURATION s"
echo
echo '| store | accepted/s (within 15 %) | p99 at half, ms (within 15 %) | peak memory, MiB (≤ 300) | start, ms (≤ 300) |'
echo '| --- | --- | --- | --- | --- |'
printf '%s' "$table"
