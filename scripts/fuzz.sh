#!/usr/bin/env bash
# Coverage-guided fuzzing of what reads the texts of tenants: each target of fuzz/ for SECONDS_EACH (60), or only those named.
# It needs a nightly toolchain and cargo-fuzz (`cargo install cargo-fuzz`). What it finds stays in fuzz/artifacts, and belongs
# into the tests: a definition into crates/mapping/tests/corpus, which `make test` runs.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${SECONDS_EACH:-60}"
cargo +nightly fuzz --version >/dev/null 2>&1 || {
  echo "fuzz: needs a nightly toolchain and cargo-fuzz: cargo install --locked cargo-fuzz" >&2
  exit 1
}
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)

for target in "${targets[@]}"; do
  corpus="fuzz/corpus/$target" known="fuzz/seeds/$target" words="fuzz/dictionaries/$target.dict"
  mkdir -p "$corpus"
  seeds=()
  [ "$target" != mapping ] || seeds+=(crates/mapping/tests/corpus)
  [ ! -d "$known" ] || seeds+=("$known")
  options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
  [ ! -f "$words" ] || options+=(-dict="$words")
  echo "== $target =="
  cargo +nightly fuzz run --sanitizer none "$target" "$corpus" "${seeds[@]}" -- "${options[@]}" 2>&1 |
    grep -vE '^#|NEW_FUNC|DICT|Recommended|# Uses' || exit 1
done
