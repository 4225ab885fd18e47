#include "services/emr_serverless/service.h"

#include <chrono>
#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/files.h"
#include "services/emr_serverless/shapes.h"

namespace mekong::emr_serverless {
namespace {

// A spark-submit of the shape of the real one: the entry point is a shell script that it runs.
constexpr std::string_view fake_submit = R"(#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --verbose) shift ;;
    --*) shift 2 ;;
    *) break ;;
  esac
done
exec /bin/sh "$@"
)";

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/emr-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    chmod(folder.c_str(), 0755);
    write("spark/bin/spark-submit", fake_submit);
    chmod((folder + "/spark/bin/spark-submit").c_str(), 0755);
    isolated = geteuid() == 0;
    ctx.account = AccountId("000000000001");
    ctx.region = Region("us-east-1");
    auto principal = std::make_shared<Principal>();
    principal->arn = "arn:aws:iam::000000000001:user/u";
    ctx.principal = principal;
    boot();
  }
  void TearDown() override {
    shut();
    std::filesystem::remove_all(folder);
  }
  void boot() {
    supervisor = std::make_unique<jobs::Supervisor>(
        jobs::Config{.work_folder = folder + "/work",
                     .output_folder = folder + "/data/output",
                     .isolate = isolated,
                     .server_is_root = isolated,
                     .endpoint = "http://127.0.0.1:4566",
                     .poll_ms = 20,
                     .stop_grace_ms = 100},
        *meta, *processes, files, clock, random, null_logger(),
        [](const jobs::Role& role, int64_t) -> Result<jobs::Credentials> {
          auto principal = std::make_shared<Principal>();
          principal->role_arn = role.arn;
          return jobs::Credentials{
              .access_key_id = "ASIA", .expires_ms = INT64_MAX / 2, .principal = principal};
        });
    ASSERT_TRUE(supervisor->recover().ok());
    const PutObject put = [this](const PrincipalPtr& principal, std::string_view bucket, std::string_view key,
                                 std::string_view bytes) -> Status {
      std::lock_guard lock(mutex);
      uploads[fmt_path(bucket, key)] = std::string(bytes);
      uploader = principal->role_arn;
      return ok();
    };
    Config config{.spark = {.spark_home = folder + "/spark"}, .endpoint = "http://127.0.0.1:4566"};
    service = std::make_unique<EmrServerless>(config, *meta, *supervisor, put, clock, random, null_logger());
    ASSERT_TRUE(service->start().ok());
  }
  void shut() {
    service->stop();
    supervisor->stop();
    service.reset();
    supervisor.reset();
  }
  static std::string fmt_path(std::string_view bucket, std::string_view key) {
    return std::string(bucket) + "/" + std::string(key);
  }
  void write(const std::string& name, std::string_view content) {
    const std::string path = folder + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    ASSERT_TRUE(files.write_file_durably(path, content).ok());
    chmod(path.c_str(), 0644);
  }
  std::string create_application(const std::string& token = "t1") {
    wire::CreateApplicationRequest request;
    request.name = "app";
    request.release_label = "emr-7.2.0";
    request.type = "SPARK";
    request.client_token = token;
    const auto made = service->create_application(ctx, request);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
    return made.ok() ? made->application_id : "";
  }
  wire::StartJobRunRequest job(const std::string& application, const std::string& script,
                               const std::string& token) {
    write("scripts/" + token + ".sh", script);
    wire::StartJobRunRequest request;
    request.application_id = application;
    request.client_token = token;
    request.execution_role_arn = "arn:aws:iam::000000000001:role/job";
    auto& submit = request.job_driver.emplace().spark_submit.emplace();
    submit.entry_point = folder + "/scripts/" + token + ".sh";
    return request;
  }
  std::string start(const wire::StartJobRunRequest& request) {
    const auto started = service->start_job_run(ctx, request);
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().message);
    return started.ok() ? started->job_run_id : "";
  }
  wire::JobRun get(const std::string& application, const std::string& id) {
    wire::GetJobRunRequest request;
    request.application_id = application;
    request.job_run_id = id;
    return service->get_job_run(ctx, request)->job_run;
  }
  // Waits until the run is in `state` (or has ended otherwise).
  wire::JobRun wait_for(const std::string& application, const std::string& id, const std::string& state) {
    std::mutex idle;
    std::condition_variable never;
    for (int i = 0; i < 2'000; ++i) {
      const auto run = get(application, id);
      if (run.state == state || run.ended_at) return run;
      std::unique_lock lock(idle);
      never.wait_for(lock, std::chrono::milliseconds(5));
    }
    return get(application, id);
  }

  std::string folder;
  bool isolated = false;
  std::unique_ptr<meta::Store> meta = meta::make_memory_store();
  std::unique_ptr<os::Processes> processes = os::make_processes();
  os::PosixFiles files;
  os::SystemClock clock;
  os::SeededRandom random{7};
  std::mutex mutex;
  std::map<std::string, std::string> uploads;
  std::string uploader;
  api::Context ctx;
  std::unique_ptr<jobs::Supervisor> supervisor;
  std::unique_ptr<EmrServerless> service;
};

TEST_F(ServiceTest, AnApplicationIsCreatedOnceForAToken) {
  const auto id = create_application();
  ASSERT_EQ(id.size(), 16u);
  EXPECT_TRUE(id.starts_with("00"));
  EXPECT_EQ(create_application(), id);
  wire::CreateApplicationRequest other;
  other.release_label = "emr-7.3.0";
  other.type = "SPARK";
  other.client_token = "t1";
  EXPECT_EQ(service->create_application(ctx, other).error().code, "ConflictException");
  EXPECT_EQ(service->get_application(ctx, {id})->application.state, "CREATED");
}

TEST_F(ServiceTest, AnApplicationGoesThroughItsStates) {
  const auto id = create_application();
  ASSERT_TRUE(service->start_application(ctx, {id}).ok());
  EXPECT_EQ(service->get_application(ctx, {id})->application.state, "STARTED");
  EXPECT_EQ(service->delete_application(ctx, {id}).error().code, "ValidationException");
  ASSERT_TRUE(service->stop_application(ctx, {id}).ok());
  ASSERT_TRUE(service->delete_application(ctx, {id}).ok());
  EXPECT_EQ(service->get_application(ctx, {id})->application.state, "TERMINATED");
  EXPECT_EQ(service->start_application(ctx, {id}).error().code, "ValidationException");
  EXPECT_EQ(service->start_application(ctx, {"00none"}).error().code, "ResourceNotFoundException");
}

TEST_F(ServiceTest, WhatIsNotBuiltIsRefusedByName) {
  wire::CreateApplicationRequest request;
  request.release_label = "emr-7.2.0";
  request.type = "HIVE";
  request.client_token = "x";
  EXPECT_EQ(service->create_application(ctx, request).error().code, "NotImplemented");
  request.type = "SPARK";
  request.initial_capacity.emplace()["DRIVER"].worker_count = 1;
  EXPECT_EQ(service->create_application(ctx, request).error().message, "initialCapacity is not implemented.");
  request.initial_capacity.reset();
  request.release_label = "emr-6.9.0";
  EXPECT_EQ(service->create_application(ctx, request).error().code, "ValidationException");
}

TEST_F(ServiceTest, AJobRunsToSuccessAndItsLogsGoToS3) {
  const auto application = create_application();
  auto request = job(application, "echo out; echo err >&2; echo $1; /usr/bin/id -u", "ok");
  request.job_driver->spark_submit->entry_point_arguments = {"argument"};
  request.configuration_overrides.emplace()
      .monitoring_configuration.emplace()
      .s3_monitoring_configuration.emplace()
      .log_uri = "s3://logs/emr/";
  const auto id = start(request);
  EXPECT_EQ(start(request), id);  // the same token
  const auto run = wait_for(application, id, "SUCCESS");
  EXPECT_EQ(run.state, "SUCCESS") << run.state_details;
  EXPECT_EQ(run.attempt, 1);
  EXPECT_EQ(run.created_by, "arn:aws:iam::000000000001:user/u");
  EXPECT_EQ(service->get_application(ctx, {application})->application.state, "STARTED");
  std::lock_guard lock(mutex);
  const std::string path = "logs/emr/applications/" + application + "/jobs/" + id + "/SPARK_DRIVER/";
  const std::string expected = isolated ? "out\nargument\n200000\n" : "";
  if (isolated) EXPECT_EQ(uploads[path + "stdout.gz"], gzip(expected));
  EXPECT_TRUE(uploads.contains(path + "stderr.gz"));
  EXPECT_EQ(uploader, "arn:aws:iam::000000000001:role/job");
}

TEST_F(ServiceTest, AFailedJobSaysWhy) {
  const auto application = create_application();
  const auto id =
      start(job(application, "echo 'pyspark.errors.AnalysisException: no table' >&2; exit 3", "bad"));
  const auto run = wait_for(application, id, "FAILED");
  EXPECT_EQ(run.state, "FAILED");
  EXPECT_NE(
      run.state_details.find("ExitCode: 3. Last few exceptions: pyspark.errors.AnalysisException: no table"),
      std::string::npos)
      << run.state_details;
}

TEST_F(ServiceTest, ABatchJobIsTriedAsOftenAsItsPolicySays) {
  const auto application = create_application();
  auto request = job(application, "exit 1", "retry");
  request.retry_policy.emplace().max_attempts = 3;
  const auto run = wait_for(application, start(request), "FAILED");
  EXPECT_EQ(run.attempt, 3);
}

TEST_F(ServiceTest, ACancelledJobLeavesNoProcess) {
  const auto application = create_application();
  auto request =
      job(application, "trap '' TERM; sleep 300 & sleep 300 & echo $! > $HOME/pid; wait; wait", "cancel");
  const auto id = start(request);
  EXPECT_EQ(wait_for(application, id, "RUNNING").state, "RUNNING");
  wire::CancelJobRunRequest cancel;
  cancel.application_id = application;
  cancel.job_run_id = id;
  cancel.shutdown_grace_period_in_seconds = 0;
  ASSERT_TRUE(service->cancel_job_run(ctx, cancel).ok());
  EXPECT_EQ(wait_for(application, id, "CANCELLED").state, "CANCELLED");
  EXPECT_EQ(supervisor->running(), 0u);
  EXPECT_EQ(service->cancel_job_run(ctx, cancel).error().code, "ValidationException");
  if (!isolated) return;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    struct stat info{};
    if (stat(entry.path().c_str(), &info) == 0) EXPECT_NE(info.st_uid, 200'000u) << entry.path();
  }
}

TEST_F(ServiceTest, AStreamingJobGoesOnAfterARestartABatchJobEndsByName) {
  const auto application = create_application();
  auto streaming = job(application, "sleep 300", "streaming");
  streaming.mode = "STREAMING";
  const auto stream_id = start(streaming);
  const auto batch_id = start(job(application, "sleep 300", "batch"));
  EXPECT_EQ(wait_for(application, stream_id, "RUNNING").state, "RUNNING");
  EXPECT_EQ(wait_for(application, batch_id, "RUNNING").state, "RUNNING");
  shut();
  boot();
  const auto batch = get(application, batch_id);
  EXPECT_EQ(batch.state, "FAILED");
  EXPECT_EQ(batch.state_details, "The server was stopped while the job ran.");
  const auto again = wait_for(application, stream_id, "RUNNING");
  EXPECT_EQ(again.state, "RUNNING");
  EXPECT_EQ(again.attempt, 2);
}

TEST_F(ServiceTest, TheJobCannotSeeTheServersFilesOrAnotherJob) {
  if (!isolated) GTEST_SKIP() << "needs root";
  const auto application = create_application();
  const std::string script =
      "cat " + folder + "/data/output/*/stdout && exit 1; ls " + folder +
      "/work && exit 2; cat /proc/1/environ && exit 3; test \"$(/usr/bin/id -un)\" = hadoop";
  const auto run = wait_for(application, start(job(application, script, "walls")), "SUCCESS");
  EXPECT_EQ(run.state, "SUCCESS") << run.state_details;
}

TEST_F(ServiceTest, ListsPagesAndTags) {
  const auto application = create_application();
  for (const auto* token : {"a", "b", "c"})
    wait_for(application, start(job(application, "exit 0", token)), "SUCCESS");
  wire::ListJobRunsRequest request;
  request.application_id = application;
  request.max_results = 2;
  const auto first = service->list_job_runs(ctx, request);
  ASSERT_EQ(first->job_runs.size(), 2u);
  request.next_token = first->next_token;
  const auto second = service->list_job_runs(ctx, request);
  EXPECT_EQ(second->job_runs.size(), 1u);
  EXPECT_FALSE(second->next_token.has_value());
  request.next_token = "none";
  EXPECT_EQ(service->list_job_runs(ctx, request).error().code, "ValidationException");
  const std::string arn = "arn:aws:emr-serverless:us-east-1:000000000001:/applications/" + application;
  ASSERT_TRUE(service->tag_resource(ctx, {arn, {{"team", "data"}}}).ok());
  EXPECT_EQ(service->list_tags_for_resource(ctx, {arn})->tags->at("team"), "data");
  ASSERT_TRUE(service->untag_resource(ctx, {arn, {"team"}}).ok());
  EXPECT_TRUE(service->list_tags_for_resource(ctx, {arn})->tags->empty());
}

TEST(JobRunShape, RefusesWhatTheModeDoesNotKnow) {
  wire::StartJobRunRequest request;
  request.job_driver.emplace().spark_submit.emplace().entry_point = "s3://b/job.py";
  request.mode = "STREAMING";
  EXPECT_EQ(job_run_from(request, {})->timeout_minutes, 0);
  EXPECT_EQ(job_run_from(request, {})->failures_per_hour_max, 5);
  request.retry_policy.emplace().max_attempts = 2;
  EXPECT_EQ(job_run_from(request, {}).error().code, "ValidationException");
  request.mode = "BATCH";
  EXPECT_EQ(job_run_from(request, {})->attempts_max, 2);
  EXPECT_EQ(job_run_from(request, {})->timeout_minutes, 720);
  request.job_driver->spark_submit->entry_point = "--status";
  EXPECT_EQ(job_run_from(request, {}).error().code, "ValidationException");
}

}  // namespace
}  // namespace mekong::emr_serverless
