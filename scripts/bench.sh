#!/usr/bin/env bash
# bench.sh: measures a release build against the budgets and prints one table; target/bench/results.md has it too.
#
# Every figure stands beside its share of the floor: what the same machine does in the same run without storing or
# queueing anything. Medians of RUNS; docs/performance.md says how to read them. From the environment: what measure.sh lists, and
#   LADDER="0.05 0.10 …"   the rates that deliveries climb, in shares of the floor
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/measure.sh

LADDER=${LADDER:-0.05 0.10 0.15 0.20 0.25 0.30 0.35 0.40 0.45 0.50 0.60}
FLOOR=127.0.0.1:9200
DESTINATIONS=100
higher() { calc "max($1,$2)"; }

# load FILE ARGUMENT…: one run of bench-load; what else the machine did goes into the noise.
floor_pid='' db_pid=''
load() {
  local file=$1; shift
  local watch=(--watch "sink=$sink_pid")
  [ -z "$server_pid" ] || watch+=(--watch "server=$server_pid")
  [ -z "$floor_pid" ] || watch+=(--watch "floor=$floor_pid")
  [ -z "$db_pid" ] || watch+=(--watch "db=$db_pid")
  "$TOOLS/bench-load" -d "$DURATION" --hmac-secret "$SECRET" "${watch[@]}" "$@" >"$file" 2>"$file.err" ||
    fail "bench-load: $(cat "$file.err")"
  field "$file" cpu_cores.others >>"$WORK/others"
  local bad; bad=$(field "$file" non_2xx)
  [ "$bad" = 0 ] || say "$bad answers were not 2xx: $(field "$file" first_bad_body)"
}

# A receiver that takes every delivery, answers with a head and then a byte a second.
trickle_start() {
  python3 - <<'PYTHON' &
import asyncio
async def trickle(reader, writer):
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(1)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
async def main():
    server = await asyncio.start_server(trickle, "127.0.0.1", 9101)
    await server.serve_forever()
asyncio.run(main())
PYTHON
  other_pids+=("$!")
  until_open 127.0.0.1:9101 "$!"
}

# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────
measure_floors() {
  local at64=() at256=() out=()
  "$TOOLS/bench-floor" ingest --listen "$FLOOR" --secret "$SECRET" >/dev/null 2>&1 &
  floor_pid=$!
  other_pids+=("$floor_pid")
  until_open "$FLOOR" "$floor_pid"
  for _ in $(seq "$RUNS"); do
    load "$WORK/l" --url "http://$FLOOR/in" -c 64; at64+=("$(field "$WORK/l" accepted_per_s)")
    load "$WORK/l" --url "http://$FLOOR/in" -c 256; at256+=("$(field "$WORK/l" accepted_per_s)")
  done
  stop "$floor_pid"; floor_pid=''
  for _ in $(seq "$RUNS"); do
    "$TOOLS/bench-floor" deliver --url "$SINK/floor" -c 64 -d "$DURATION" >"$WORK/l"
    out+=("$(field "$WORK/l" delivered_per_s)")
  done
  floor_in=$(higher "$(median "${at64[@]}")" "$(median "${at256[@]}")")
  floor_out=$(median "${out[@]}")
}

measure_accepted() { # engine name [further fields of the source]
  local engine=$1 name=$2 at64=() at256=() idle=() peak=() ready=()
  for _ in $(seq "$RUNS"); do
    new_store "$engine"; start_server; sleep 1
    idle+=("$(memory_mib VmRSS)")
    new_source "${3:-}"
    load "$WORK/l" --url "$in" -c 64; at64+=("$(field "$WORK/l" accepted_per_s)")
    load "$WORK/l" --url "$in" -c 256; at256+=("$(field "$WORK/l" accepted_per_s)")
    peak+=("$(memory_mib VmHWM)")
    stop_server; start_server; ready+=("$ready_ms"); stop_server
  done
  put "$engine.$name" "$(higher "$(median "${at64[@]}")" "$(median "${at256[@]}")")"
  put "$engine.idle" "$(median "${idle[@]}")"
  put "$engine.ready" "$(median "${ready[@]}")"
  put_higher "$engine.peak" "$(median "${peak[@]}")"
}

measure_latency() { # engine: the p99 of accepting at half of the maximum
  local engine=$1 rate all=()
  rate=$(calc "$(get "$engine.accepted")/2")
  for _ in $(seq "$RUNS"); do
    new_store "$engine"; start_server; new_source
    load "$WORK/l" --url "$in" -c 256 -r "$rate"; all+=("$(field "$WORK/l" latency_us.p99)")
    stop_server
  done
  put "$engine.accept_p99" "$(median_ms "${all[@]}")"
}

# climb FANOUT: the deliveries/s at the highest rate that they keep up with, in $climbed. Each step accepts a share of the
# delivery floor; it holds if 98 % of what was accepted had arrived when the load ended, and nothing is missing.
climb() {
  climbed=0
  local share rate delivered
  for share in $LADDER; do
    rate=$(calc "$share*$floor_out/$1")
    load "$WORK/l" --url "$in" -c 256 -r "$rate" --sink "$SINK" --fanout "$1" --drain-timeout 20
    delivered=$(field "$WORK/l" delivered_per_s_from_start)
    [ "$(calc "$delivered >= 0.98*$1*$(field "$WORK/l" accepted_per_s)")" = True ] || break
    [ "$(field "$WORK/l" sink_missing)" = 0 ] || break
    climbed=$(higher "$climbed" "$delivered")
  done
}

measure_deliveries() { # engine name fanout
  local engine=$1 all=() peak=()
  for _ in $(seq "$RUNS"); do
    new_store "$engine"; start_server; new_source
    for n in $(seq 0 $(($3 - 1))); do subscribe "$SINK/ep$n"; done
    climb "$3"; all+=("$climbed")
    peak+=("$(memory_mib VmHWM)")
    stop_server
  done
  put "$engine.$2" "$(median "${all[@]}")"
  put_higher "$engine.peak" "$(median "${peak[@]}")"
}

measure_arrival() { # engine: from accepting to receiving, at half of the end-to-end maximum
  local engine=$1 p50=() p99=() rate
  rate=$(calc "max($(get "$engine.delivered")/2,1)")
  for _ in $(seq "$RUNS"); do
    new_store "$engine"; start_server; new_source; subscribe "$SINK/ep0"
    load "$WORK/l" --url "$in" -c 256 -r "$rate" --sink "$SINK"
    p50+=("$(field "$WORK/l" sink.latency_first_ok_us.p50)")
    p99+=("$(field "$WORK/l" sink.latency_first_ok_us.p99)")
    stop_server
  done
  put "$engine.arrival_p50" "$(median_ms "${p50[@]}")"
  put "$engine.arrival_p99" "$(median_ms "${p99[@]}")"
}

measure_isolation() { # engine: 100 destinations, then 98 of them beside a dead and a trickling one
  local engine=$1 kind rate healthy
  rate=$(calc "max($(get "$engine.fanout4")/2/$DESTINATIONS,1)")
  for kind in undisturbed disturbed; do
    local all=()
    for _ in $(seq "$RUNS"); do
      new_store "$engine"; start_server; new_source
      healthy=$DESTINATIONS
      if [ "$kind" = disturbed ]; then
        healthy=$((DESTINATIONS - 2))
        subscribe http://127.0.0.1:9102/dead   # nothing listens there
        subscribe http://127.0.0.1:9101/trickle
      fi
      for n in $(seq 0 $((healthy - 1))); do subscribe "$SINK/ep$n"; done
      load "$WORK/l" --url "$in" -c 64 -r "$rate" --sink "$SINK" --fanout "$healthy"
      [ "$(field "$WORK/l" sink_missing)" = 0 ] || say "$(field "$WORK/l" sink_missing) deliveries did not arrive ($engine, $kind)"
      all+=("$(field "$WORK/l" sink.latency_first_ok_us.p99)")
      stop_server
    done
    put "$engine.$kind" "$(median_ms "${all[@]}")"
  done
}

# ── figures and the table ────────────────────────────────────────────────────────────────────────────────────────
declare -A figures
put() { figures[$1]=$2; say "$1 = $(printf %.1f "$2")"; }
put_higher() { figures[$1]=$(higher "${figures[$1]:-0}" "$2"); }
get() { echo "${figures[$1]:-0}"; }
number() { python3 -c 'import sys; print(f"{float(sys.argv[1]):,.0f}")' "$1"; }
ratio() { printf %.2f "$(calc "$1/max($2,1)")"; }

row() { # what target cell-function: a row with one cell for each engine
  local cells='' engine
  for engine in $ENGINES; do cells+=" $($3 "$engine") |"; done
  echo "| $1 |$cells $2 |"
}
of_floor() { local v; v=$(get "$1"); echo "$(number "$v") ($(ratio "$v" "$2") of the floor)"; }
accepted() { of_floor "$1.accepted" "$floor_in"; }
accepted_all() { of_floor "$1.accepted_all" "$floor_in"; }
delivered() { of_floor "$1.delivered" "$floor_out"; }
fanned() { of_floor "$1.fanout4" "$floor_out"; }
accept_p99() { printf '%.1f ms' "$(get "$1.accept_p99")"; }
arrival() { printf '%.1f / %.1f ms' "$(get "$1.arrival_p50")" "$(get "$1.arrival_p99")"; }
isolation() {
  local calm busy; calm=$(get "$1.undisturbed"); busy=$(get "$1.disturbed")
  printf '%.1f ms (undisturbed %.1f ms, %s)' "$busy" "$calm" "$(percent "$busy" "$calm")"
}
memory() { printf '%.0f / %.0f MiB' "$(get "$1.idle")" "$(get "$1.peak")"; }
ready() { printf '%.0f ms' "$(get "$1.ready")"; }

report() {
  local engine head='' rule='' noise
  for engine in $ENGINES; do head+=" $engine |"; rule+=' --- |'; done
  noise=$(sort -g "$WORK/others" | tail -n 1)
  echo "$(date -u +'%Y-%m-%d %H:%M UTC'); $(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores;" \
    "store on $(stat -f -c %T "$WORK"); medians of $RUNS runs of $DURATION s; $("$TIELINE_BIN" --version)."
  echo
  echo "Floors: $(number "$floor_in") verified requests/s in, $(number "$floor_out") signed posts/s out."
  if [ "$(calc "$noise > 0.3")" = True ]; then
    echo "Other processes used up to $noise cores in one of the runs: not a quiet machine, do not trust these figures."
  fi
  echo
  echo "| what |$head target |"
  echo "| --- |$rule --- |"
  row 'accepted/s, repeats told by the body hash' '≥ 0.5 embedded, ≥ 0.3 Postgres' accepted
  row 'accepted/s, `"dedupe": {"enabled": false}`' '' accepted_all
  row 'p99 of accepting at half of its maximum' '≤ 25 ms' accept_p99
  row 'end-to-end deliveries/s, one subscription' '≥ 0.3 embedded, ≥ 0.2 Postgres' delivered
  row 'accept to receive at half load, p50 / p99' '≤ 3 / ≤ 30 ms' arrival
  row 'deliveries/s, fan-out to 4' '≥ 0.4' fanned
  row 'healthy p99 beside a dead and a trickling one, of 100' 'within 10 %' isolation
  row 'memory idle / peak' '≤ 40 / ≤ 200 MB' memory
  row 'start to ready, existing store' '≤ 300 ms' ready
}

# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────
if [ -n "${BENCH_INNER:-}" ]; then
  # The server is a sibling: a child of `with-postgres`, as this script is.
  db_pid=$(pgrep --parent "$PPID" --exact postgres | head -n 1 || true)
fi
for address in 127.0.0.1:9100 127.0.0.1:9101 127.0.0.1:9102 "$FLOOR" "$SERVER"; do
  ! (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null || fail "$address is in use"
done
start_sink "${SINK#http://}"
trickle_start

measure_floors
say "floors: $(number "$floor_in") in, $(number "$floor_out") out"
for engine in $ENGINES; do
  measure_accepted "$engine" accepted
  measure_accepted "$engine" accepted_all ',"dedupe":{"enabled":false}'
  measure_latency "$engine"
  measure_deliveries "$engine" delivered 1
  measure_arrival "$engine"
  measure_deliveries "$engine" fanout4 4
  measure_isolation "$engine"
done
report | tee "$OUT/results.md"
