#!/usr/bin/env bash
# soak-replay.sh: what live traffic feels of a replay of 100,000 events, and how soon a cancelled one stops. Live events have a
# source, a webhook and a receiver of their own; the p99 of accepting them, and from there to their receiver, without and with a
# replay beside them. From the environment: what measure.sh lists, and
#   REPLAYED=100000   LIVE=3000 (events per second)   RATE=200 (of the replay; what it is if none is asked for)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/measure.sh

REPLAYED=${REPLAYED:-100000}
LIVE=${LIVE:-3000}
RATE=${RATE:-200}

OLD=$SINK LIVELY=http://127.0.0.1:9101
load() { "$TOOLS/bench-load" -c 64 --hmac-secret "$SECRET" "$@" >"$WORK/l"; }
live() { # sets accepted and arrived: the medians of the p99, in ms
  local first=() second=()
  for _ in $(seq "$RUNS"); do
    load --url "$live_in" -d "$DURATION" -r "$LIVE" --sink "$LIVELY"
    first+=("$(field "$WORK/l" latency_us.p99)"); second+=("$(field "$WORK/l" sink.latency_first_ok_us.p99)")
  done
  accepted=$(median_ms "${first[@]}") arrived=$(median_ms "${second[@]}")
}
job() { api "jobs/$job"; answer "$1"; } # status, done: of the replay
sent() { curl --silent "$OLD/stats" >"$WORK/stats"; field "$WORK/stats" count; }
now_ms() { date +%s%3N; }
cancel() { # sets quiet: how long after it the receiver gets nothing more, in ms
  local began last current still
  began=$(now_ms)
  api "jobs/$job/cancel" '{}'
  last=$(sent) still=$(now_ms)
  while [ $(($(now_ms) - still)) -lt 2000 ]; do
    current=$(sent)
    [ "$current" = "$last" ] || { last=$current; still=$(now_ms); }
    sleep 0.02
  done
  quiet=$((still - began))
}

table=''
for engine in $ENGINES; do
  start_sink "${OLD#http://}"; old_sink=$sink_pid
  start_sink "${LIVELY#http://}"; live_sink=$sink_pid
  new_store "$engine"; start_server
  new_source ',"event_type":"old.event"'; old_in=$in
  new_source ',"event_type":"live.event"'; live_in=$in
  subscribe "$OLD/old" old.event; old_hook=$(answer id)
  subscribe "$LIVELY/live" live.event
  load --url "$old_in" -d 600 -n "$REPLAYED"
  load --url "$live_in" -d 2 -r "$LIVE" --sink "$LIVELY" # all that is old has gone out, and caches are warm
  live
  before_accepted=$accepted before_arrived=$arrived
  wanted='{"filter":{"types":["old.event"],"webhook_id":"'$old_hook'"},"from":"2020-01-01T00:00:00Z","rate_per_second":'$RATE'}'
  api events/replay/preview "$wanted"; counted=$(answer deliveries)
  api events/replay "$wanted"; job=$(answer id)
  until [ "$(job done)" != 0 ]; do sleep 0.2; done
  live
  done_then=$(job done)
  [ "$(job status)" = running ] || say "the replay ended before it was measured: raise REPLAYED"
  cancel
  stop_server; stop "$old_sink"; stop "$live_sink"
  table+=$(printf '| %s | %s | %s | %.1f (%.1f, %s) | %.1f (%.1f, %s) | %s |' "$engine" "$counted" "$done_then" \
    "$accepted" "$before_accepted" "$(percent "$accepted" "$before_accepted")" \
    "$arrived" "$before_arrived" "$(percent "$arrived" "$before_arrived")" "$quiet")$'\n'
done
echo "$REPLAYED events replayed at $RATE/s beside $LIVE live events/s; medians of $RUNS runs of $DURATION s"
echo
echo '| store | counted | replayed meanwhile | p99 of accepting, ms (without) | p99 to the receiver, ms (without) | quiet after a cancel, ms (≤ 1000) |'
echo '| --- | --- | --- | --- | --- | --- |'
printf '%s' "$table"
