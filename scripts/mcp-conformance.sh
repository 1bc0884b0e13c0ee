#!/usr/bin/env bash
# mcp-conformance.sh PROGRAM: the official MCP conformance suite against PROGRAM, the tieline program.
#
# Prints a line for each scenario; fails when one fails that docs/mcp.md does not explain. Takes about a minute, and
# needs npm, which fetches the suite and the Node 22 that it wants.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:?the tieline program}")
packages=target/tmp/packages/mcp-conformance
if [ ! -x "$packages/node_modules/.bin/conformance" ]; then
  mkdir -p "$packages"
  npm install --silent --no-audit --no-fund --prefix "$packages" \
    @modelcontextprotocol/conformance@0.1.16 node@22.23.3
fi
exec "$packages/node_modules/node/bin/node" scripts/mcp-conformance.mjs "$program" "$packages"
