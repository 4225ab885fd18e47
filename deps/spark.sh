#!/bin/bash
# Fills $MEKONG_DEPS with what Spark jobs run on, beside the venv of deps/spark-requirements.txt:
#   spark-jars/  hadoop-aws and the AWS SDK below it (S3A), on every driver's class path
#   m2/          a local Maven repository with the packages of the Kafka pipelines, so that `--packages` of a job
#                finds them without a network; packages that are not in it are downloaded as Spark does
# Everything downloaded that a job loads is held against deps/spark.sha256.   usage: MEKONG_DEPS=… deps/spark.sh
set -euo pipefail
deps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=(org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.1 software.amazon.msk:aws-msk-iam-auth:2.2.0)
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1

mvn -q -B -f "$deps/maven/spark-jars-pom.xml" "$plugin:copy-dependencies" -DoutputDirectory="$MEKONG_DEPS/spark-jars"
for package in "${packages[@]}"; do
  mvn -q -B -Dmaven.repo.local="$MEKONG_DEPS/m2" "$plugin:get" -Dartifact="$package"
done
(cd "$MEKONG_DEPS" && sha256sum --quiet --check "$deps/spark.sha256")
chmod -R a+rX "$MEKONG_DEPS/spark-jars" "$MEKONG_DEPS/m2" "$MEKONG_DEPS/spark-venv"
