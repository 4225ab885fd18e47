#!/bin/bash
# Fills $MEKONG_DEPS with what Spark jobs run on, beside the venv of deps/spark-requirements.txt:
#   spark-jars/  hadoop-aws and the AWS SDK below it (S3A), on every driver's class path
#   m2/          a local Maven repository with the packages of the Kafka pipelines, so that `--packages` of a job
#                finds them without a network; packages that are not in it are downloaded as Spark does
# Held against deps/spark.sha256, Maven's own plugin included, before it takes its place.
set -euo pipefail
deps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folders=(m2 spark-jars)
cd "$MEKONG_DEPS"
chmod -R a+rX spark-venv
if "$deps/held.sh" "$deps/spark.sha256" "${folders[@]}"; then exit 0; fi

rm -rf .spark-new
mkdir .spark-new
cd .spark-new
packages=(org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.1 software.amazon.msk:aws-msk-iam-auth:2.2.0)
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
mvn() { command mvn -q -B --strict-checksums -Dmaven.repo.local="$PWD/m2" "$@"; }
mvn -f "$deps/maven/spark-jars-pom.xml" "$plugin:copy-dependencies" -DoutputDirectory="$PWD/spark-jars"
for package in "${packages[@]}"; do
  mvn "$plugin:get" -Dartifact="$package"
done
"$deps/held.sh" "$deps/spark.sha256" "${folders[@]}"
chmod -R a+rX .
for folder in "${folders[@]}"; do rm -rf "../$folder"; mv "$folder" ..; done
rmdir ../.spark-new
