#include "app/spark.h"

#include <cstdlib>
#include <filesystem>

namespace mekong::app {

emr_serverless::SparkRuntime find_spark() {
  const char* deps = std::getenv("MEKONG_DEPS");
  const std::string root = deps != nullptr ? deps : "/var/cache/mekong/deps";
  emr_serverless::SparkRuntime out;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/spark-venv/lib", missing)) {
    const auto home = entry.path() / "site-packages" / "pyspark";
    if (std::filesystem::exists(home / "bin" / "spark-submit", missing)) out.spark_home = home;
  }
  if (out.spark_home.empty()) return out;
  out.python = root + "/spark-venv/bin/python";
  for (const auto* java : {"/usr/lib/jvm/java-17-openjdk-amd64", "/usr/lib/jvm/java-17-openjdk-arm64"}) {
    if (std::filesystem::exists(java, missing)) out.java_home = java;
  }
  if (const char* java = std::getenv("JAVA_HOME"); out.java_home.empty() && java != nullptr)
    out.java_home = java;
  out.platform_jars = root + "/spark-jars";
  if (std::filesystem::exists(root + "/m2", missing)) out.maven_seed = root + "/m2";
  return out;
}

}  // namespace mekong::app
