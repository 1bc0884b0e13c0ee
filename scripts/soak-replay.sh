#!/usr/bin/env bash
# soak-replay.sh: what live traffic feels of a replay of 100,000 events, and how soon a cancelled one stops. Live events have a
# source, a webhook and a receiver of their own; the p99 of accepting them, and from there to their receiver, without and with a
# replay beside them. From the environment:
#   REPLAYED=100000   LIVE=3000 (events per second)   RATE=500 (of the replay)   ENGINES="sqlite postgres"   DURATION=5   RUNS=5
#   BENCH_DIR, BENCH_TARGET_DIR, TIELINE_BIN, WITH_POSTGRES_BIN   as in bench.sh
set -euo pipefail
cd "$(dirname "$0")/.."

REPLAYED=${REPLAYED:-100000}
LIVE=${LIVE:-3000}
RATE=${RATE:-500}
ENGINES=${ENGINES:-sqlite postgres}
DURATION=${DURATION:-5}
RUNS=${RUNS:-5}
BENCH_DIR=${BENCH_DIR:-../shared/bench}
OUT=$PWD/target/bench
TOOLS=${BENCH_TARGET_DIR:-$OUT/tools}/release
SERVER=127.0.0.1:9080
SECRET=bench-secret-of-the-source
export TIELINE_OWNER_KEY=bench-owner-key-0123456789
export TIELINE_OUTBOUND_ALLOW=127.0.0.0/8,::1/128
export TIELINE_LOG_LEVEL=warn

say() { echo "replay: $*" >&2; }
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

WORK=$OUT/replay.$$
mkdir -p "$WORK"
pids=()
stop_all() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done
  pids=()
}
trap 'stop_all; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

field() { python3 -c 'import json,sys
v=json.load(sys.stdin)
for k in sys.argv[1].split("."): v=(v or {}).get(k)
print(0 if v is None else v)' "$1"; }
median() { python3 -c 'import statistics,sys; print(statistics.median(map(float,sys.argv[1:])))' "$@"; }
calc() { python3 -c "print($1)"; }
api() { # path [body]
  curl --silent --show-error --fail-with-body -H "x-api-key: $TIELINE_OWNER_KEY" -H 'content-type: application/json' \
    ${2:+--data "$2"} "http://$SERVER/v1/$1"
}
source_of() { # type: the address of a source whose events have it
  echo "http://$SERVER/in/$(api webhooks/incoming \
    '{"name":"'"$1"'","event_type":"'"$1"'","verification":{"scheme":"hmac-sha256"},"secret":"'"$SECRET"'"}' | field id)"
}
load() { "$TOOLS/bench-load" -c 64 --hmac-secret "$SECRET" "$@"; }
live() { # sets accepted and arrived: the medians of the p99, in ms
  local first=() second=()
  for _ in $(seq "$RUNS"); do
    load --url "$live_in" -d "$DURATION" -r "$LIVE" --sink http://127.0.0.1:9101 >"$WORK/l"
    first+=("$(field latency_us.p99 <"$WORK/l")"); second+=("$(field sink.latency_first_ok_us.p99 <"$WORK/l")")
  done
  accepted=$(calc "$(median "${first[@]}")/1000") arrived=$(calc "$(median "${second[@]}")/1000")
}
now_ms() { date +%s%3N; }

table=''
for engine in $ENGINES; do
  case $engine in
    sqlite) store=$WORK/store.db ;;
    postgres)
      [ -n "${TIELINE_TEST_POSTGRES:-}" ] || { say "no PostgreSQL: skipped"; continue; }
      psql --quiet "$TIELINE_TEST_POSTGRES" --command 'CREATE DATABASE replayed' >/dev/null
      store=${TIELINE_TEST_POSTGRES%/*}/replayed ;;
  esac
  "$TOOLS/bench-sink" --listen 127.0.0.1:9100 >/dev/null 2>&1 & pids+=($!)
  "$TOOLS/bench-sink" --listen 127.0.0.1:9101 >/dev/null 2>&1 & pids+=($!)
  "$TIELINE_BIN" serve --listen "$SERVER" --data "$WORK/data" --database "$store" >"$WORK/server.log" 2>"$WORK/server.err" & pids+=($!)
  until curl --silent --fail "http://$SERVER/readyz" >/dev/null; do sleep 0.1; done
  old_in=$(source_of old.event) live_in=$(source_of live.event)
  old_hook=$(api webhooks '{"url":"http://127.0.0.1:9100/old","events":["old.event"]}' | field id)
  api webhooks '{"url":"http://127.0.0.1:9101/live","events":["live.event"]}' >/dev/null
  load --url "$old_in" -d 600 -n "$REPLAYED" >/dev/null
  load --url "$live_in" -d 2 -r "$LIVE" --sink http://127.0.0.1:9101 >/dev/null # all that is old has gone out, and caches are warm
  live
  before_accepted=$accepted before_arrived=$arrived
  wanted='{"filter":{"types":["old.event"],"webhook_id":"'$old_hook'"},"from":"2020-01-01T00:00:00Z","rate_per_second":'$RATE'}'
  counted=$(api events/replay/preview "$wanted" | field deliveries)
  job=$(api events/replay "$wanted" | field id)
  until [ "$(api "jobs/$job" | field done)" != 0 ]; do sleep 0.2; done
  live
  done_then=$(api "jobs/$job" | field done)
  [ "$(api "jobs/$job" | field status)" = running ] || say "the replay ended before it was measured: raise REPLAYED"
  sent() { curl --silent http://127.0.0.1:9100/stats | field count; }
  cancelled=$(now_ms)
  api "jobs/$job/cancel" '{}' >/dev/null
  last=$(sent) still=$(now_ms)
  while [ $(($(now_ms) - still)) -lt 2000 ]; do
    current=$(sent)
    [ "$current" = "$last" ] || { last=$current; still=$(now_ms); }
    sleep 0.02
  done
  stop_all
  table+=$(printf '| %s | %s | %s | %.1f (%.1f, %+.0f %%) | %.1f (%.1f, %+.0f %%) | %s |' "$engine" "$counted" "$done_then" \
    "$accepted" "$before_accepted" "$(calc "100*($accepted/max($before_accepted,0.001)-1)")" \
    "$arrived" "$before_arrived" "$(calc "100*($arrived/max($before_arrived,0.001)-1)")" $((still - cancelled)))$'\n'
done
echo "$REPLAYED events replayed at $RATE/s beside $LIVE live events/s; medians of $RUNS runs of $DURATION s"
echo
echo '| store | counted | replayed meanwhile | p99 of accepting, ms (without) | p99 to the receiver, ms (without) | quiet after a cancel, ms (≤ 1000) |'
echo '| --- | --- | --- | --- | --- | --- |'
printf '%s' "$table"
