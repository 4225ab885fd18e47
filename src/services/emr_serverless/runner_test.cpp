// The runner with the real Spark of $MEKONG_DEPS; skipped where ./dev setup has not installed it.
#include "services/emr_serverless/runner.h"

#include <cstdlib>

#include "services/emr_serverless/test_support.h"

namespace mekong::emr_serverless {
namespace {

class RealSparkTest : public ServiceTest {
 protected:
  bool use_real_spark() {
    const char* deps = std::getenv("MEKONG_DEPS");
    const std::string root = deps != nullptr ? deps : "/var/cache/mekong/deps";
    for (const auto& entry : std::filesystem::directory_iterator(root + "/spark-venv/lib", missing_)) {
      spark.spark_home = entry.path().string() + "/site-packages/pyspark";
    }
    spark.python = root + "/spark-venv/bin/python";
    spark.java_home = "/usr/lib/jvm/java-17-openjdk-amd64";
    spark.platform_jars = root + "/spark-jars";
    spark.maven_seed = root + "/m2";
    if (!std::filesystem::exists(spark.spark_home + "/bin/spark-submit")) return false;
    shut();
    boot();
    return true;
  }
  std::error_code missing_;
};

constexpr std::string_view script = R"(
import os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("real").getOrCreate()
total = spark.range(1000).selectExpr("sum(id) s").collect()[0].s
print("sum", total, spark.sparkContext.master, sys.argv[1:])
print("home", os.path.expanduser("~") == os.environ["HOME"] == os.getcwd())
spark._jvm.org.apache.kafka.clients.consumer.ConsumerConfig.configNames()
spark._jvm.software.amazon.msk.auth.iam.IAMLoginModule()
spark._jvm.org.apache.hadoop.fs.s3a.S3AFileSystem()
spark.sql("select * from nowhere")
)";

TEST_F(RealSparkTest, RunsAPySparkScriptWithPackagesAsTheJobsUser) {
  if (!use_real_spark()) GTEST_SKIP() << "no Spark: ./dev setup";
  const auto application = create_application();
  auto request = job(application, std::string(script), "real");
  auto& submit = *request.job_driver->spark_submit;
  write("scripts/real.py", script);
  submit.entry_point = folder + "/scripts/real.py";
  submit.entry_point_arguments = {"--name", "two words"};
  submit.spark_submit_parameters =
      "--conf spark.executor.cores=2 --conf spark.executor.memory=512m --conf spark.executor.instances=1 "
      "--conf spark.driver.memory=600m --conf spark.sql.catalogImplementation=in-memory --packages "
      "org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.1,software.amazon.msk:aws-msk-iam-auth:2.2.0";
  const auto id = start(request);
  const auto run = wait_for(application, id, "FAILED", 40'000);
  EXPECT_EQ(run.state, "FAILED");  // of its last line, on purpose
  EXPECT_NE(run.state_details.find("AnalysisException: [TABLE_OR_VIEW_NOT_FOUND]"), std::string::npos)
      << run.state_details;
  std::string out;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/data/output")) {
    out = *files.read_file(entry.path().string() + "/stdout");
    if (out.find("home True") == std::string::npos)
      ADD_FAILURE() << *files.read_file(entry.path().string() + "/stderr");
  }
  EXPECT_NE(out.find("sum 499500 local["), std::string::npos) << out;
  EXPECT_NE(out.find("['--name', 'two words']"), std::string::npos) << out;
}

}  // namespace
}  // namespace mekong::emr_serverless
