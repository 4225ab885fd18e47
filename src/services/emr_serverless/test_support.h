// The service on memory and real processes, for tests.
#pragma once
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meta/full_disk.h"
#include "os/files.h"
#include "services/emr_serverless/service.h"

namespace mekong::emr_serverless {

// A spark-submit of the shape of the real one: the entry point is a shell script that it runs.
inline constexpr std::string_view fake_submit = R"(#!/bin/sh
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
    spark.spark_home = folder + "/spark";
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
                     .uid_base = first_uid,
                     .endpoint = "http://127.0.0.1:4566",
                     .poll_ms = 20,
                     .disk_every_ms = 20,
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
    Config config{
        .spark = spark, .endpoint = "http://127.0.0.1:4566", .public_endpoint = "http://lake.example:4566"};
    timers = std::move(*timers::Timers::open(*meta, clock, null_logger()));
    service = std::make_unique<EmrServerless>(config, *meta, *timers, *supervisor, put, clock, random,
                                              null_logger());
    ASSERT_TRUE(service->start().ok());
    timers->start();
  }
  void shut() {
    timers->stop();
    service->stop();
    supervisor->stop();
    service.reset();
    supervisor.reset();
    timers.reset();
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
  std::string create_application(const std::string& token = "t1",
                                 const std::optional<wire::MaximumAllowedResources>& most = {}) {
    wire::CreateApplicationRequest request;
    request.maximum_capacity = most;
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
  std::string state(const std::string& application) {
    return service->get_application(ctx, {application})->application.state;
  }
  // Of the service clock.
  void pass(int64_t minutes) {
    clock.freeze_at(clock.service_ms() + minutes * 60'000);
    ASSERT_TRUE(timers->fire_due().ok());
  }
  // Waits until the run is in `state` (or has ended otherwise).
  wire::JobRun wait_for(const std::string& application, const std::string& id, const std::string& state,
                        int waits = 2'000) {
    std::mutex idle;
    std::condition_variable never;
    for (int i = 0; i < waits; ++i) {
      const auto run = get(application, id);
      if (run.state == state || run.ended_at) return run;
      std::unique_lock lock(idle);
      never.wait_for(lock, std::chrono::milliseconds(5));
    }
    return get(application, id);
  }

  std::string folder;
  bool isolated = false;
  // Another run of these tests beside this one has uids of its own.
  const uint32_t first_uid = 200'000 + static_cast<uint32_t>(getpid()) * 100;
  std::unique_ptr<meta::Store> meta = meta::make_memory_store();
  std::unique_ptr<os::Processes> processes = os::make_processes();
  os::PosixFiles files;
  os::SystemClock system_clock;
  os::MovableClock clock{system_clock};
  os::SeededRandom random{7};
  std::mutex mutex;
  std::map<std::string, std::string> uploads;
  std::string uploader;
  api::Context ctx;
  SparkRuntime spark;
  std::unique_ptr<jobs::Supervisor> supervisor;
  std::unique_ptr<timers::Timers> timers;
  std::unique_ptr<EmrServerless> service;
};

}  // namespace mekong::emr_serverless
