# measure.sh: what the scripts that measure a release share: its build and that of the yardstick, PostgreSQL, the processes, the
# server and its API. To be sourced first, in the root of the repository. Settings, from the environment:
#   BENCH_DIR         the yardstick: bench-load, bench-sink, bench-floor      ../shared/bench
#   BENCH_TARGET_DIR  where they are built                                   target/bench/tools
#   TIELINE_BIN       the server                                             built, in <cargo's target>/release
#   WITH_POSTGRES_BIN the throwaway PostgreSQL                               beside TIELINE_BIN
#   ENGINES="sqlite postgres"   DURATION=5 (seconds of one load)   RUNS=3
# shellcheck shell=bash

RUNS=${RUNS:-3}
DURATION=${DURATION:-5}
ENGINES=${ENGINES:-sqlite postgres}
BENCH_DIR=${BENCH_DIR:-../shared/bench}
OUT=$PWD/target/bench
TOOLS=${BENCH_TARGET_DIR:-$OUT/tools}/release
SINK=http://127.0.0.1:9100
SERVER=127.0.0.1:9080
SECRET=bench-secret-of-the-source
SCRIPT=$(basename "$0" .sh)
export TIELINE_OWNER_KEY=bench-owner-key-0123456789
export TIELINE_OUTBOUND_ALLOW=127.0.0.0/8,::1/128
export TIELINE_LOG_LEVEL=warn
export TIELINE_SHUTDOWN_GRACE_SECONDS=1 # a trickling receiver would keep the server from stopping

say() { echo "$SCRIPT: $*" >&2; }
fail() { say "$*"; exit 1; }

# ── what is measured, built if it is missing ─────────────────────────────────────────────────────────────────────
if [ -z "${TIELINE_BIN:-}" ]; then
  cargo build --release --workspace --bins
  TIELINE_BIN=${CARGO_TARGET_DIR:-$PWD/target}/release/tieline
fi
export TIELINE_BIN
WITH_POSTGRES_BIN=${WITH_POSTGRES_BIN:-$(dirname "$TIELINE_BIN")/with-postgres}
if [ ! -x "$TOOLS/bench-load" ]; then
  [ -d "$BENCH_DIR" ] || fail "the yardstick is missing: set BENCH_DIR to the directory of bench-load, bench-sink and bench-floor"
  cargo build --release --manifest-path "$BENCH_DIR/Cargo.toml" --target-dir "${BENCH_TARGET_DIR:-$OUT/tools}"
fi
# PostgreSQL lives as long as the command beside it: this script again.
if [ -z "${BENCH_INNER:-}" ] && [[ " $ENGINES " == *" postgres "* ]]; then
  [ -x "$WITH_POSTGRES_BIN" ] || fail "$WITH_POSTGRES_BIN is missing: build it, or set ENGINES=sqlite"
  BENCH_INNER=1 exec "$WITH_POSTGRES_BIN" --fsync -- "$PWD/scripts/$SCRIPT.sh" "$@"
fi
if [ -z "${TIELINE_TEST_POSTGRES:-}" ] && [[ " $ENGINES " == *" postgres "* ]]; then
  say "no PostgreSQL: skipped"
  ENGINES=${ENGINES//postgres/}
fi

# ── processes, all ended with the script ─────────────────────────────────────────────────────────────────────────
WORK=$OUT/$SCRIPT.$$
mkdir -p "$WORK"
server_pid='' other_pids=()
stop() { # pid: ends it and waits until it is gone
  [ -n "$1" ] || return 0
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
cleanup() {
  for pid in "$server_pid" "${other_pids[@]}"; do stop "$pid"; done
  rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

until_open() { # host:port pid
  for _ in $(seq 200); do
    if (exec 3<>"/dev/tcp/${1%:*}/${1#*:}") 2>/dev/null; then return 0; fi
    kill -0 "$2" 2>/dev/null || break
    sleep 0.05
  done
  fail "nothing listens on $1"
}
start_sink() { # host:port: a receiver there; sets sink_pid
  "$TOOLS/bench-sink" --listen "$1" >/dev/null 2>&1 &
  sink_pid=$!
  other_pids+=("$sink_pid")
  until_open "$1" "$sink_pid"
}

# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────
field() { # file a.b.c: one value of a JSON file, 0 if it is null
  python3 -c 'import json,sys
v=json.load(open(sys.argv[1]))
for k in sys.argv[2].split("."): v=(v or {}).get(k)
print(0 if v is None else v)' "$1" "$2"
}
calc() { python3 -c "print($1)"; }
median() { python3 -c 'import statistics,sys; print(statistics.median(map(float,sys.argv[1:])))' "$@"; }
median_ms() { calc "$(median "$@")/1000"; } # of microseconds
percent() { printf '%+.0f %%' "$(calc "100*($1/max($2,0.001)-1)")"; } # by how much the first is more than the second

# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────
stores=0
new_store() { # engine: an empty one, in $store
  stores=$((stores + 1))
  case $1 in
    sqlite) store=$WORK/store.$stores.db ;;
    postgres)
      local name=measured_$$_$stores
      psql --quiet "$TIELINE_TEST_POSTGRES" --command "CREATE DATABASE $name" >/dev/null
      store=${TIELINE_TEST_POSTGRES%/*}/$name ;;
  esac
}
start_server() { # starts it on $store; $ready_ms is the time until it says that it is ready
  local log=$WORK/server.log began
  : >"$log"
  began=$(date +%s%N)
  "$TIELINE_BIN" serve --listen "$SERVER" --data "$WORK/data" --database "$store" >"$log" 2>"$WORK/server.err" &
  server_pid=$!
  until grep -q 'is ready' "$log"; do
    kill -0 "$server_pid" 2>/dev/null || fail "the server did not start: $(tail -n 3 "$WORK/server.err")"
    sleep 0.005
  done
  ready_ms=$((($(date +%s%N) - began) / 1000000))
}
stop_server() { stop "$server_pid"; server_pid=''; }
memory_mib() { # VmRSS or VmHWM of the server
  calc "$(awk -v key="$1:" '$1 == key { print $2 }' "/proc/$server_pid/status") / 1024"
}

api() { # path [body]: writes the answer to $WORK/answer
  curl --silent --show-error --fail-with-body -H "x-api-key: $TIELINE_OWNER_KEY" -H 'content-type: application/json' \
    ${2:+--data "$2"} "http://$SERVER/v1/$1" >"$WORK/answer" || fail "/v1/$1: $(cat "$WORK/answer")"
}
answer() { field "$WORK/answer" "$1"; } # a.b.c: one value of the last answer
sources=0
new_source() { # [further fields]: sets $in, its address
  sources=$((sources + 1))
  api webhooks/incoming '{"name":"bench '"$sources"'","verification":{"scheme":"hmac-sha256"},"secret":"'"$SECRET"'"'"${1:-}"'}'
  in=http://$SERVER/in/$(answer id)
}
subscribe() { # url [event type]: the id is in the answer
  api webhooks '{"url":"'"$1"'","events":["'"${2:-webhook.received}"'"]}'
}
