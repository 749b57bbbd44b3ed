#!/usr/bin/env bash
# Runs the Mastodon adapter against a server that nobody here wrote: mastodon-mock from PyPI, on loopback.
# It installs what it needs into a folder of its own and removes it afterwards. Not part of CI: it needs a registry.
#
#     tests/real/mastodon.sh            # or: MASTODON_MOCK=/path/to/mastodon_mock tests/real/mastodon.sh
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

mock=${MASTODON_MOCK:-}
if [ -z "$mock" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet mastodon-mock
    mock=$work/venv/bin/mastodon_mock
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$work/mock.toml" <<TOML
domain = "127.0.0.1:$port"
url_scheme = "http"
[streaming]
heartbeat_seconds = 1.0
[seed]
accounts = [
    { username = "acme", access_token = "acme_token" },
    { username = "jo", access_token = "jo_token" },
    { username = "bo", access_token = "bo_token" },
]
TOML
"$mock" serve --config "$work/mock.toml" --in-memory --port "$port" --log-level warning > "$work/server.log" 2>&1 &
server=$!
for _ in $(seq 1 100); do
    curl --silent --fail --output /dev/null "http://127.0.0.1:$port/api/v2/instance" && break
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log"; exit 1; }
    sleep 0.1
done
echo "mastodon-mock: $("$mock" --version)"
cd "$here"
REPLYDECK_MASTODON_MOCK="http://127.0.0.1:$port" cargo test --test real_mastodon -- --nocapture
