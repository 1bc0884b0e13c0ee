#!/usr/bin/env bash
# bench-calls.sh: what a call of a tool costs over the bare HTTP call, and 200 conversations at once with a model that takes
# half a second: turns per second, latency, memory. The services are simulated on this machine and share its cores.
set -euo pipefail
cd "$(dirname "$0")/.."

RUNS=${RUNS:-3}
for _ in $(seq "$RUNS"); do
  cargo test --quiet --profile bench --workspace --test it -- --ignored --nocapture tool_overhead 2>&1 |
    grep -E '^(bare call|through the)'
done
for _ in $(seq "$RUNS"); do
  cargo test --quiet --profile bench --workspace --test e2e -- --ignored --nocapture turns_at_once 2>&1 |
    grep -E 'turns/s'
done
