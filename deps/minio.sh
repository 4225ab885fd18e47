#!/bin/bash
# Fills $MEKONG_DEPS with a peer of ./dev bench: minio, built from its Go modules, which deps/go/go.sum holds, by the Go
# of bench-venv. It is run beside Mekong, never linked or shipped.
set -euo pipefail
deps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
go=$(echo "$MEKONG_DEPS"/bench-venv/lib/python3*/site-packages/go/bin/go)
chmod +x "$go" "$(dirname "$go")"/../pkg/tool/*/*
export GOPATH=$MEKONG_DEPS/.go GOCACHE=$MEKONG_DEPS/.go-cache GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0
cd "$deps/go"
"$go" build -trimpath -ldflags=-s -o "$MEKONG_DEPS/minio" github.com/minio/minio
"$go" clean -modcache
rm -rf "$GOPATH" "$GOCACHE"
