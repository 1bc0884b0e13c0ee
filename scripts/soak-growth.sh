#!/usr/bin/env bash
# soak-growth.sh: does a store that has grown take as much as an empty one? Fills it, and measures accepted/s, the p99
# of accepting at half of that, and memory, before and after; one table at the end. From the environment:
#   GROWTH_EVENTS=10000000  GROWTH_TENANTS=10000  GROWTH_WAITING=1000000   how far it grows
# and what measure.sh lists. SQLite needs about 1 KiB of disk for each event.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/measure.sh

GROWTH_EVENTS=${GROWTH_EVENTS:-10000000}
GROWTH_TENANTS=${GROWTH_TENANTS:-10000}
GROWTH_WAITING=${GROWTH_WAITING:-1000000}

load() { "$TOOLS/bench-load" -d "$DURATION" --hmac-secret "$SECRET" --watch "server=$server_pid" --url "$in" "$@" >"$WORK/l"; }

# measure: sets accepted, p99 (ms), memory (MiB), ready_ms of $store
measure() {
  local all=() late=()
  start_server
  new_source
  for _ in $(seq "$RUNS"); do load -c 256; all+=("$(field "$WORK/l" accepted_per_s)"); done
  accepted=$(median "${all[@]}")
  for _ in $(seq "$RUNS"); do load -c 256 -r "$(calc "$accepted/2")"; late+=("$(field "$WORK/l" latency_us.p99)"); done
  p99=$(median_ms "${late[@]}")
  memory=$(memory_mib VmHWM)
  stop_server
}

table=''
for engine in $ENGINES; do
  new_store "$engine"
  measure
  before="$accepted $p99"
  table+=$(printf '| %s, empty | %.0f | %.1f | %.0f | %s |' "$engine" "$accepted" "$p99" "$memory" "$ready_ms")$'\n'
  TIELINE_GROWTH_DATABASE=$store TIELINE_GROWTH_EVENTS=$GROWTH_EVENTS TIELINE_GROWTH_TENANTS=$GROWTH_TENANTS \
    TIELINE_GROWTH_WAITING=$GROWTH_WAITING cargo test --profile bench --workspace --test growth -- --nocapture 2>&1 | grep '^growth:' >&2
  # A store that grows in months is vacuumed as it grows; one that is filled in minutes would be while it is measured.
  [ "$engine" != postgres ] || psql --quiet "$store" --command 'VACUUM (ANALYZE)' --command 'CHECKPOINT'
  measure
  read -r was late <<<"$before"
  table+=$(printf '| %s, grown | %.0f (%s) | %.1f (%s) | %.0f | %s |' "$engine" "$accepted" \
    "$(percent "$accepted" "$was")" "$p99" "$(percent "$p99" "$late")" "$memory" "$ready_ms")$'\n'
done
echo "$GROWTH_EVENTS events, $GROWTH_TENANTS tenants, $GROWTH_WAITING waiting retries; medians of $RUNS runs of $DURATION s"
echo
echo '| store | accepted/s (within 15 %) | p99 at half, ms (within 15 %) | peak memory, MiB (≤ 300) | start, ms (≤ 300) |'
echo '| --- | --- | --- | --- | --- |'
printf '%s' "$table"
