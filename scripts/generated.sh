#!/usr/bin/env bash
# generated.sh write|check PROGRAM: the files that the program prints and that are committed.
#   write  rewrites them
#   check  fails when a committed one differs from what the program prints
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:?write or check}
program=${2:?the tieline program}

# file, and the arguments that print it
files=(
  "openapi.json openapi"
  "tieline.default.toml default-config"
)

stale=()
for row in "${files[@]}"; do
  read -r file arguments <<<"$row"
  if [ "$mode" = check ] && [ ! -e "$file" ]; then
    echo "not checked: $file does not exist yet; \`make generate\` writes it" >&2
    continue
  fi
  printed=$(mktemp)
  # shellcheck disable=SC2086  # the arguments are words
  if ! "$program" $arguments >"$printed" || [ ! -s "$printed" ]; then
    rm -f "$printed"
    echo "\`tieline $arguments\` does not print $file" >&2
    exit 1
  fi
  case $mode in
    write) cat "$printed" >"$file" ;;
    check) diff -u --label "$file (committed)" --label "$file (printed)" "$file" "$printed" >&2 || stale+=("$file") ;;
    *) echo "$mode: neither write nor check" >&2; exit 2 ;;
  esac
  rm -f "$printed"
done

if [ ${#stale[@]} -gt 0 ]; then
  echo "stale: ${stale[*]}; run \`make generate\` and commit the result" >&2
  exit 1
fi
