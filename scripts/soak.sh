#!/usr/bin/env bash
# The ledger for long: the server is killed a hundred times on each engine, with one node and with two, and Postgres
# is taken away twenty times, and once for a minute; then 100,000 events are replayed. TIELINE_TEST_KILLS,
# TIELINE_TEST_OUTAGE_SECONDS and TIELINE_TEST_REPLAY change the numbers, TIELINE_TEST_SEED repeats a run's chance.
# scripts/soak-growth.sh measures a store that has grown.
set -euo pipefail
cd "$(dirname "$0")/.."

export TIELINE_TEST_KILLS="${TIELINE_TEST_KILLS:-100}" TIELINE_TEST_REPLAY="${TIELINE_TEST_REPLAY:-100000}"
export TIELINE_TEST_OUTAGE_SECONDS="${TIELINE_TEST_OUTAGE_SECONDS:-60}"
built="${CARGO_TARGET_DIR:-target}/debug"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

cargo build --workspace --bins --test crash
status=0
"$built/with-postgres" --fsync -- \
  cargo test --workspace --test crash -- --nocapture --test-threads 1 ledger failpoints stopping outages replay \
  2>&1 | tee "$log" || status=$?

echo
echo "== soak: $TIELINE_TEST_KILLS kills per engine =="
grep -E 'accepted [0-9]+, delivered|^replay on |TIELINE_TEST_SEED=|SKIPPED|^test result' "$log" || true
exit "$status"
