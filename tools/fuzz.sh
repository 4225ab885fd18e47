#!/usr/bin/env bash
# Runs one libFuzzer program: tools/fuzz.sh build/asan/fuzz/NAME
#
#   MEKONG_FUZZ_SECONDS=N   how long (20)
#   MEKONG_TIER=ci          the same inputs each time, a million at most: what CI says of a commit stays so
# What it finds interesting stays in NAME.corpus beside the program, so that the next run goes on from there; an input
# that breaks it is kept as NAME.crash-… and its path printed: make it a seed and a unit test.
set -euo pipefail
program=$1
source=$(cat "$program.source")
mkdir -p "$program.corpus"
options=(-max_total_time="${MEKONG_FUZZ_SECONDS:-20}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
         -artifact_prefix="$program.")
[ "${MEKONG_TIER:-}" != ci ] || options+=(-seed=1 -runs=1000000)
[ ! -f "$source.dict" ] || options+=(-dict="$source.dict")
corpora=("$program.corpus")
[ ! -d "$source.seeds" ] || corpora+=("$source.seeds")
exec "$program" "${options[@]}" "${corpora[@]}"
