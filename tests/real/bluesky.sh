#!/usr/bin/env bash
# Tries the Bluesky adapter on a real server: @atproto/pds with a directory of @did-plc/server, both from npm, on
# loopback, with a store that is thrown away. Needs node 20 and npm; takes minutes the first time.
#
#   tests/real/bluesky.sh [FOLDER]     FOLDER keeps the npm packages for the next time
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-$(mktemp -d)}
mkdir -p "$dir"
[ -d "$dir/node_modules/@atproto/pds" ] || {
    [ -f "$dir/package.json" ] || echo '{"private":true}' >"$dir/package.json"
    npm install --prefix "$dir" --no-audit --no-fund --loglevel=error @atproto/pds @did-plc/server
}
ready="$dir/ready.json"
: >"$ready"
node "$here/bluesky.cjs" "$dir" >"$ready" 2>"$dir/server.log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$dir"/data-*; [ $# -gt 0 ] || rm -rf "$dir"' EXIT
for _ in $(seq 300); do
    grep -q '"appPassword"' "$ready" && break
    kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; exit 1; }
    sleep 0.2
done
# The servers write their log between the lines.
grep '"appPassword"' "$ready" | tail -1 >"$dir/ready.line"
cd "$here/../.."
REPLYDECK_REAL_BLUESKY="$dir/ready.line" ${CARGO:-cargo} test --test real bluesky -- --nocapture
