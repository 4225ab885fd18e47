#include "services/emr_serverless/spark_command.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace mekong::emr_serverless {
namespace {

Config config() {
  return {.spark = {.spark_home = "/spark",
                    .python = "/venv/bin/python",
                    .java_home = "/java",
                    .platform_jars = "/jars",
                    .maven_seed = "/m2"},
          .endpoint = "http://127.0.0.1:4566",
          .metastore_uri = "thrift://127.0.0.1:9083",
          .truststore = "bytes",
          .truststore_password = "changeit"};
}

JobRun job_run() {
  JobRun run;
  run.account = "000000000001";
  run.region = "us-east-1";
  run.application_id = "00app";
  run.id = "00run";
  run.role_arn = "arn:aws:iam::000000000001:role/job";
  run.entry_point = "s3://bucket/job.py";
  run.arguments = {"--topic_input", "a b"};
  return run;
}

jobs::Spec spec_of(const JobRun& run, std::string_view parameters_text, const Fit& fit = {}) {
  const auto parameters = effective_parameters(run.spark_defaults, parameters_text);
  EXPECT_TRUE(parameters.ok());
  const jobs::Place place{.id = jobs::JobId("j"), .folder = "/work/j", .uid = 200'000};
  return spark_submit_spec(config(), {.run = run,
                                      .parameters = *parameters,
                                      .fit = fit,
                                      .place = place,
                                      .dashboard_token = "secret",
                                      .ui_port = 20'001});
}

size_t position(const jobs::Spec& spec, std::string_view word) {
  return static_cast<size_t>(std::find(spec.argv.begin(), spec.argv.end(), word) - spec.argv.begin());
}

TEST(SparkCommand, RunsSparkSubmitAsAJobOfTheRole) {
  const auto spec = spec_of(job_run(), "--conf spark.driver.memory=5g --packages a:b:1",
                            {.cores = 2, .heap_bytes = 4ULL << 30, .note = "fitted"});
  EXPECT_EQ(spec.argv[0], "/spark/bin/spark-submit");
  EXPECT_EQ(spec.argv[2], "local[2,4]");
  EXPECT_EQ(spec.argv[position(spec, "--packages") + 1], "a:b:1");
  // What the platform decides comes after what the job asks: spark-submit takes the last.
  EXPECT_LT(position(spec, "spark.driver.memory=5g"), position(spec, "spark.driver.memory=4096m"));
  EXPECT_LT(position(spec, "spark.driver.memory=4096m"), position(spec, "s3://bucket/job.py"));
  EXPECT_EQ(std::vector<std::string>(spec.argv.end() - 3, spec.argv.end()),
            (std::vector<std::string>{"s3://bucket/job.py", "--topic_input", "a b"}));
  EXPECT_EQ(spec.role.arn, "arn:aws:iam::000000000001:role/job");
  EXPECT_EQ(spec.role.service_principal, "emr-serverless.amazonaws.com");
  EXPECT_EQ(spec.role.source_arn, "arn:aws:emr-serverless:us-east-1:000000000001:/applications/00app");
  EXPECT_EQ(spec.banner, "fitted\n");
  EXPECT_EQ(spec.links.at(".m2/repository"), "/m2");
  EXPECT_NE(
      spec.environment.at("JAVA_TOOL_OPTIONS").find("-Djavax.net.ssl.trustStore=/work/j/truststore.jks"),
      std::string::npos);
}

TEST(SparkCommand, GivesNoKeysOnlyTheEndpoints) {
  const auto spec = spec_of(job_run(), "");
  const auto& defaults = spec.files.at("conf/spark-defaults.conf");
  EXPECT_NE(defaults.find("spark.hadoop.fs.s3.impl org.apache.hadoop.fs.s3a.S3AFileSystem\n"),
            std::string::npos);
  EXPECT_NE(defaults.find("spark.hadoop.fs.s3a.endpoint http://127.0.0.1:4566\n"), std::string::npos);
  EXPECT_NE(defaults.find("spark.hadoop.hive.metastore.uris thrift://127.0.0.1:9083\n"), std::string::npos);
  EXPECT_EQ(defaults.find("key"), std::string::npos);
  EXPECT_EQ(spec.environment.count("AWS_SECRET_ACCESS_KEY"), 0u);
  EXPECT_EQ(spec.environment.at("AWS_REGION"), "us-east-1");
}

TEST(SparkCommand, KeepsTheJobsOwnClassPathAndDriverEnvironment) {
  auto run = job_run();
  run.spark_defaults = {{"spark.emr-serverless.driverEnv.MODE", "test"}};
  const auto spec = spec_of(run, "--driver-class-path /mine.jar");
  EXPECT_NE(position(spec, "spark.driver.extraClassPath=/jars/*:/mine.jar"), spec.argv.size());
  EXPECT_EQ(spec.environment.at("MODE"), "test");
}

TEST(SparkCommand, TakesTheGlueCatalogAndNoOther) {
  const std::string name = "--conf spark.hadoop.hive.metastore.client.factory.class=";
  EXPECT_TRUE(effective_parameters(
                  {}, name + "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory")
                  .ok());
  EXPECT_EQ(effective_parameters({}, name + "com.example.Other").error().code, "ValidationException");
  EXPECT_EQ(effective_parameters({{"spark.master", "yarn"}}, "").error().code, "ValidationException");
}

TEST(SparkCommand, FindsTheReasonInTheDriversStderr) {
  EXPECT_EQ(
      last_exception("26/11/21 INFO X: ok\nTraceback (most recent call last):\n  File \"a.py\", line 1\n"
                     "pyspark.errors.exceptions.captured.AnalysisException: [TABLE_NOT_FOUND] no\n"
                     "26/11/21 INFO ShutdownHookManager: Shutdown\n"),
      "pyspark.errors.exceptions.captured.AnalysisException: [TABLE_NOT_FOUND] no");
  EXPECT_EQ(last_exception("Exception in thread \"main\" java.lang.X: y\n\tat a.B.c(B.java:1)\n"),
            "Exception in thread \"main\" java.lang.X: y");
  EXPECT_EQ(last_exception("py4j.protocol.Py4JJavaError: An error occurred while calling o4.x.\n"
                           ": org.apache.spark.SparkException: Job aborted\n\tat a.B.c(B.java:1)\n"
                           "Caused by: a.B: first\n\tat a.B.c(B.java:1)\n"
                           "Caused by: java.io.IOException: No space left on device\n\t... 3 more\n"),
            "py4j.protocol.Py4JJavaError: An error occurred while calling o4.x. "
            "Caused by: java.io.IOException: No space left on device");
  EXPECT_EQ(last_exception("all is well\n"), "");
}

TEST(SparkCommand, FindsThePortOfTheUi) {
  EXPECT_EQ(find_ui_port("x INFO Utils: Successfully started service 'SparkUI' on port 20417.\n"), 20'417);
  EXPECT_EQ(find_ui_port("Successfully started service 'SparkUI' on port 204"), std::nullopt);
  EXPECT_EQ(find_ui_port("Successfully started service 'sparkDriver' on port 1."), std::nullopt);
}

TEST(SparkCommand, RunsTheReleasesOfItsSpark) {
  EXPECT_TRUE(is_supported_release("emr-7.2.0"));
  EXPECT_FALSE(is_supported_release("emr-6.15.0"));
}

}  // namespace
}  // namespace mekong::emr_serverless
