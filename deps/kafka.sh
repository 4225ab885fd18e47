#!/bin/bash
# Fills $MEKONG_DEPS with Kafka's jars: kafka-schemas/ (the message schemas that the build reads) and kafka-cli/ (Apache
# Kafka 2.8.1's command line with MSK's IAM login, for tests and the demo); maven/ is the repository that Maven used for it.
# Held against deps/kafka.sha256, Maven's own plugin included, before it takes its place.
set -euo pipefail
deps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folders=(maven kafka-schemas kafka-cli)
cd "$MEKONG_DEPS"
if "$deps/held.sh" "$deps/kafka.sha256" "${folders[@]}"; then exit 0; fi

rm -rf .kafka-new
mkdir .kafka-new
cd .kafka-new
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
mvn() { command mvn -q -B --strict-checksums -Dmaven.repo.local="$PWD/maven" "$@"; }
mvn "$plugin:copy" -Dartifact=org.apache.kafka:kafka-clients:3.7.2 -DoutputDirectory="$PWD/kafka-schemas"
mvn -f "$deps/maven/kafka-cli-pom.xml" "$plugin:copy-dependencies" -DoutputDirectory="$PWD/kafka-cli"
"$deps/held.sh" "$deps/kafka.sha256" "${folders[@]}"
for folder in "${folders[@]}"; do rm -rf "../$folder"; mv "$folder" ..; done
rmdir ../.kafka-new
