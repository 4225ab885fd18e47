// Where ./dev setup put Spark.
#pragma once
#include "services/emr_serverless/config.h"

namespace mekong::app {

// Below $MEKONG_DEPS (else /var/cache/mekong/deps), with Debian's JVM 17, else $JAVA_HOME's. Without
// Spark there all is empty, and job runs fail by name.
emr_serverless::SparkRuntime find_spark();

}  // namespace mekong::app
