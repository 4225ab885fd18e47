#!/bin/bash
# Fills $MEKONG_DEPS with the peer of ./dev bench: kafka-server/ (Apache Kafka's broker and ProducerPerformance);
# maven-bench/ is the repository that Maven used for it. Held against deps/bench.sha256, Maven's own plugin included,
# before it takes its place.
set -euo pipefail
deps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folders=(maven-bench kafka-server)
cd "$MEKONG_DEPS"
if "$deps/held.sh" "$deps/bench.sha256" "${folders[@]}"; then exit 0; fi

rm -rf .bench-new
mkdir .bench-new
cd .bench-new
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
command mvn -q -B --strict-checksums -Dmaven.repo.local="$PWD/maven-bench" -f "$deps/maven/kafka-server-pom.xml" \
  "$plugin:copy-dependencies" -DoutputDirectory="$PWD/kafka-server"
"$deps/held.sh" "$deps/bench.sha256" "${folders[@]}"
for folder in "${folders[@]}"; do rm -rf "../$folder"; mv "$folder" ..; done
rmdir ../.bench-new
