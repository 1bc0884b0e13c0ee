#!/usr/bin/env bash
# generated.sh write|check PROGRAM: what is committed and made from the program.
#   write  rewrites it
#   check  fails when something committed differs from what the program says, or names a test that does not exist
#
# Whole files: openapi.json, tieline.default.toml and docs/mapping-functions.md, as the program prints them. Parts of files: the tables of
# settings, between the lines `<!-- settings … -->` and `<!-- end of settings -->`; the table of presets, between
# `<!-- presets … -->` and `<!-- end of presets -->`.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:?write or check}
program=${2:?the tieline program}
case $mode in write | check) ;; *) echo "$mode: neither write nor check" >&2; exit 2 ;; esac

# file, and the arguments that print it
files=(
  "openapi.json openapi"
  "tieline.default.toml default-config"
  "docs/mapping-functions.md functions"
)
# file, and the sections whose settings it lists: a regular expression on the key
tables=(
  "README.md ."
  "docs/limits.md ^(limits|delivery|retention)[.]"
)

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
stale=()

# keep FILE: replaces it by $made/it, or notes that it is stale.
keep() {
  if [ "$mode" = write ]; then
    cat "$made/it" >"$1"
  elif ! diff -u --label "$1 (committed)" --label "$1 (made)" "$1" "$made/it" >&2; then
    stale+=("$1")
  fi
}

for row in "${files[@]}"; do
  read -r file arguments <<<"$row"
  # shellcheck disable=SC2086  # the arguments are words
  if ! "$program" $arguments >"$made/it" || [ ! -s "$made/it" ]; then
    echo "\`tieline $arguments\` does not print $file" >&2
    exit 1
  fi
  keep "$file"
done

# The settings whose keys match, as a table; read from the form of tieline.default.toml.
settings_table() {
  "$program" default-config | awk -v wanted="$1" '
    BEGIN { print "| setting | default | allowed | what it is for |\n| --- | --- | --- | --- |" }
    /^\[/ { section = substr($0, 2, length($0) - 2) "." }
    /^# Allowed: / { allowed = substr($0, 12); sub(/[.]$/, "", allowed); next }
    /^# Not set: / { unset = substr($0, 12); sub(/[.]$/, "", unset); next }
    /^# [a-z_]+ = / && allowed {
      key = section $2
      value = $0; sub(/^# [a-z_]+ = /, "", value)
      gsub(/^"|"$/, "", value)
      shown = unset ? unset : value == "" ? "none" : "`" value "`"
      if (key ~ wanted) print "| `" key "` | " shown " | " allowed " | " doc " |"
      allowed = unset = ""
      next
    }
    /^# / { doc = substr($0, 3) }'
}
# insert FILE KIND: FILE with $made/table between the lines that begin and end a table of this kind.
insert() {
  awk -v table="$made/table" -v kind="$2" '
    index($0, "<!-- " kind) == 1 { print; while ((getline line < table) > 0) print line; inside = 1; next }
    index($0, "<!-- end of " kind) == 1 { inside = 0 }
    !inside' "$1" >"$made/it"
  keep "$1"
}
for row in "${tables[@]}"; do
  read -r file wanted <<<"$row"
  settings_table "$wanted" >"$made/table"
  insert "$file" settings
done
"$program" presets >"$made/table"
insert docs/incoming-webhooks.md presets

# The tests that ARCHITECTURE.md names, as `path/below/crates.rs::name`.
missing=()
while IFS= read -r reference; do
  file=crates/${reference%%::*} name=${reference##*::}
  grep -qs "fn $name(" "$file" || missing+=("$reference")
done < <(grep -oE '[a-z0-9_/-]+[.]rs::[a-z0-9_]+' ARCHITECTURE.md | sort -u)

if [ ${#stale[@]} -gt 0 ]; then
  echo "stale: ${stale[*]}; run \`make generate\` and commit the result" >&2
fi
if [ ${#missing[@]} -gt 0 ]; then
  printf 'ARCHITECTURE.md names a test that does not exist: %s\n' "${missing[@]}" >&2
fi
[ ${#stale[@]} -eq 0 ] && [ ${#missing[@]} -eq 0 ]
