#!/usr/bin/env bash
# Installs what `make test` needs on Debian or Ubuntu and what is missing: a C toolchain, PostgreSQL.
# Rust comes from https://rustup.rs; rust-toolchain.toml says which.
set -euo pipefail

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v make >/dev/null || missing+=(make)
command -v git >/dev/null || missing+=(git)
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; }

if [ ${#missing[@]} -gt 0 ] || ! has_postgres; then
  if ! command -v apt-get >/dev/null; then
    echo "no apt-get here: please install ${missing[*]-} PostgreSQL 14 or newer with your own package manager" >&2
    exit 1
  fi
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
  }
  "${as_root[@]}" apt-get update
  [ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
  if ! has_postgres; then
    # The tests start servers of their own: keep the package from creating and starting one.
    install postgresql-common
    "${as_root[@]}" sed -i -E 's/^#? *create_main_cluster.*/create_main_cluster = false/' \
      /etc/postgresql-common/createcluster.conf
    install postgresql
  fi
fi

command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs" >&2; exit 1; }
cargo nextest --version >/dev/null 2>&1 ||
  echo "optional: \`cargo install --locked cargo-nextest\` runs the tests in parallel processes" >&2
echo "ready: \`make run\` starts Tieline, \`make test\` tests it"
