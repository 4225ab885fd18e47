// What the runner of Spark jobs is told by the wiring.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/authoriser.h"
#include "base/result.h"

namespace mekong::emr_serverless {

// Real Spark, installed by ./dev setup (deps/spark.sh). All must be readable by any uid.
struct SparkRuntime {
  std::string spark_home;     // <venv>/lib/python3.x/site-packages/pyspark
  std::string python;         // <venv>/bin/python
  std::string java_home;      // a JDK or JRE 17
  std::string platform_jars;  // folder: hadoop-aws and the AWS SDK that S3A needs
  std::string maven_seed;     // folder laid out as a local Maven repository; --packages looks here first
};

struct Config {
  SparkRuntime spark;
  std::string endpoint;         // "http://127.0.0.1:4566", S3 and all other APIs as jobs reach them
  std::string public_endpoint;  // the same as clients reach it: in the dashboards' addresses
  std::string metastore_uri;    // "thrift://127.0.0.1:9083"
  // A Java truststore (its bytes) with the public CAs and ours, copied to each job; empty: the JVM's own.
  std::string truststore;
  std::string truststore_password;
  size_t jobs_running_max = 4;
  int cores = 0;  // that one job may use; 0: the machine's
  // Of one job at most; 0: two thirds of the machine's memory, shared by jobs_running_max.
  uint64_t heap_bytes = 0;
};

// Stores an object as `principal` (objects::ObjectAccess in the server). Errors: S3's.
using PutObject = std::function<Status(const PrincipalPtr& principal, std::string_view bucket,
                                       std::string_view key, std::string_view bytes)>;

}  // namespace mekong::emr_serverless
