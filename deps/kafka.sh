#!/bin/bash
# Fills $MEKONG_DEPS with Kafka's jars: kafka-schemas/ (the message schemas that the build reads) and kafka-cli/ (Apache
# Kafka 2.8.1's command line with MSK's IAM login, for tests and the demo). Held against deps/kafka.sha256.
set -euo pipefail
deps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
mvn -q -B "$plugin:copy" -Dartifact=org.apache.kafka:kafka-clients:3.7.2 -DoutputDirectory="$MEKONG_DEPS/kafka-schemas"
mvn -q -B -f "$deps/maven/kafka-cli-pom.xml" "$plugin:copy-dependencies" -DoutputDirectory="$MEKONG_DEPS/kafka-cli"
(cd "$MEKONG_DEPS" && sha256sum --quiet --check "$deps/kafka.sha256")
