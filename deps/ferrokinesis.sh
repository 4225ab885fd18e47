#!/bin/bash
# Fills $MEKONG_DEPS with a peer of ./dev bench start: ferrokinesis, built from its crate and the lock file in it by
# Debian's cargo-web. It is run beside Mekong, never linked or shipped.
set -euo pipefail
export CARGO_HOME=$MEKONG_DEPS/.cargo CARGO_TARGET_DIR=$MEKONG_DEPS/.cargo-target
export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc  # a rustup's would want the toolchain that a crate names
/usr/bin/cargo install --locked --version =0.7.0 --root "$MEKONG_DEPS/ferrokinesis" ferrokinesis
rm -rf "$CARGO_HOME" "$CARGO_TARGET_DIR"
