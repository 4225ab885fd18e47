#include "services/emr_serverless/service.h"

#include <algorithm>
#include <atomic>

#include "services/emr_serverless/idle_stop.h"
#include "services/emr_serverless/shapes.h"
#include "services/emr_serverless/test_support.h"

namespace mekong::emr_serverless {
namespace {

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

TEST_F(ServiceTest, AnApplicationThatDoesNotRunIsUpdated) {
  const auto id = create_application();
  wire::UpdateApplicationRequest request;
  request.application_id = id;
  request.client_token = "u";
  request.release_label = "emr-7.3.0";
  request.maximum_capacity = wire::MaximumAllowedResources{"2 vCPU", "4 GB", {}};
  request.auto_stop_configuration.emplace().idle_timeout_minutes = 1;
  ASSERT_TRUE(service->update_application(ctx, request).ok());
  auto changed = service->get_application(ctx, {id})->application;
  EXPECT_EQ(changed.release_label, "emr-7.3.0");
  EXPECT_EQ(changed.maximum_capacity->memory, "4 GB");
  EXPECT_EQ(changed.auto_stop_configuration->idle_timeout_minutes, 1);
  EXPECT_EQ(changed.name, "app");
  request.release_label = "emr-1.0.0";
  EXPECT_EQ(service->update_application(ctx, request).error().code, "ValidationException");
  ASSERT_TRUE(service->start_application(ctx, {id}).ok());
  EXPECT_EQ(service->update_application(ctx, request).error().code, "ValidationException");
}

TEST_F(ServiceTest, AnIdleApplicationStopsOnTheServiceClock) {
  clock.freeze_at(clock.service_ms());
  const auto idle = create_application("idle");
  ASSERT_TRUE(service->start_application(ctx, {idle}).ok());
  pass(14);
  EXPECT_EQ(state(idle), "STARTED");
  const auto fresh = create_application("fresh");
  ASSERT_TRUE(service->start_application(ctx, {fresh}).ok());
  pass(1);
  EXPECT_EQ(state(idle), "STOPPED");
  EXPECT_EQ(service->get_application(ctx, {idle})->application.state_details,
            "Stopped after its idle timeout.");
  EXPECT_EQ(state(fresh), "STARTED");
  shut();
  clock.freeze_at(clock.service_ms() + 14 * 60'000);
  boot();  // what was due meanwhile fires
  ASSERT_TRUE(timers->fire_due().ok());
  EXPECT_EQ(state(fresh), "STOPPED");
}

TEST_F(ServiceTest, AnApplicationWithJobsDoesNotStop) {
  clock.freeze_at(clock.service_ms());
  const auto id = create_application();
  const auto run = start(job(id, "while [ ! -e " + folder + "/go ]; do sleep 0.01; done", "waits"));
  ASSERT_EQ(wait_for(id, run, "RUNNING").state, "RUNNING");
  const auto pass = [&](int64_t minutes) {
    clock.freeze_at(clock.service_ms() + minutes * 60'000);
    EXPECT_TRUE(timers->fire_due().ok());
    return service->get_application(ctx, {id})->application.state;
  };
  EXPECT_EQ(pass(60), "STARTED");
  write("go", "");
  ASSERT_EQ(wait_for(id, run, "SUCCESS").state, "SUCCESS");
  while (!timers->find(timer_owner, "000000000001/us-east-1/" + id)->has_value()) std::this_thread::yield();
  EXPECT_EQ(pass(14), "STARTED");
  EXPECT_EQ(pass(1), "STOPPED");
}

TEST_F(ServiceTest, TheRunsOfAnApplicationShareItsMaximumCapacity) {
  const auto small = create_application("small", wire::MaximumAllowedResources{"1 vCPU", "1 GB", {}});
  const auto large = create_application("large");
  const auto first = start(job(small, "sleep 300", "first"));
  const auto second = start(job(small, "exit 0", "second"));
  EXPECT_EQ(wait_for(small, first, "RUNNING").state, "RUNNING");
  EXPECT_EQ(wait_for(large, start(job(large, "exit 0", "third")), "SUCCESS").state, "SUCCESS");
  EXPECT_EQ(get(small, second).state, "SUBMITTED");
  wire::CancelJobRunRequest cancel;
  cancel.application_id = small;
  cancel.job_run_id = first;
  ASSERT_TRUE(service->cancel_job_run(ctx, cancel).ok());
  EXPECT_EQ(wait_for(small, second, "SUCCESS").state, "SUCCESS");
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
  const std::string expected = isolated ? "out\nargument\n" + std::to_string(first_uid) + "\n" : "";
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

TEST_F(ServiceTest, AJobThatFillsTheDiskIsEndedByName) {
  const auto application = create_application();
  auto request =
      job(application, "while :; do dd if=/dev/zero of=$HOME/f$((i=i+1)) bs=64k count=1; done", "fills");
  request.job_driver->spark_submit->spark_submit_parameters =
      "--conf spark.executor.instances=1 --conf spark.emr-serverless.driver.disk=1m "
      "--conf spark.emr-serverless.executor.disk=1m";
  const auto run = wait_for(application, start(request), "FAILED");
  EXPECT_EQ(run.state, "FAILED");
  EXPECT_NE(run.state_details.find("more disk than its workers have"), std::string::npos)
      << run.state_details;
}

TEST_F(ServiceTest, TheEndOfARunIsRecordedOnceTheDiskHasRoom) {
  shut();
  const auto inner = std::move(meta);
  auto disk = std::make_unique<meta::FullDisk>(*inner);
  auto& full = disk->full;
  auto& refused = disk->refused;
  meta = std::move(disk);
  boot();
  const auto application = create_application();
  const auto go = folder + "/go";
  const auto id = start(job(application, "while [ ! -e " + go + " ]; do sleep 0.01; done", "waits"));
  EXPECT_EQ(wait_for(application, id, "RUNNING").state, "RUNNING");
  full = true;
  write("go", "");
  while (refused == 0) ::usleep(1'000);
  EXPECT_EQ(get(application, id).state, "RUNNING");
  ASSERT_EQ(service->owed().size(), 1u);
  EXPECT_EQ(service->owed().front().count, 1);
  full = false;
  EXPECT_EQ(wait_for(application, id, "SUCCESS").state, "SUCCESS");
  // Nor does a server wait for it that starts on a full disk.
  const auto stopped = start(job(application, "sleep 600", "stopped"));
  EXPECT_EQ(wait_for(application, stopped, "RUNNING").state, "RUNNING");
  full = true;
  shut();
  boot();
  EXPECT_EQ(get(application, stopped).state, "RUNNING");
  EXPECT_EQ(service->owed().size(), 1u);
  full = false;
  EXPECT_EQ(wait_for(application, stopped, "FAILED").state, "FAILED");
  shut();  // before what the store refers to
  meta = meta::make_memory_store();
  boot();
}

TEST_F(ServiceTest, AnApplicationIsIdleFromTheEndOfItsLastRunOn) {
  clock.freeze_at(clock.service_ms());
  const auto application = create_application();
  const auto go = folder + "/go";
  const auto id = start(job(application, "while [ ! -e " + go + " ]; do sleep 0.01; done", "waits"));
  EXPECT_EQ(wait_for(application, id, "RUNNING").state, "RUNNING");
  pass(60);
  EXPECT_EQ(state(application), "STARTED");
  write("go", "");
  EXPECT_EQ(wait_for(application, id, "SUCCESS").state, "SUCCESS");
  // Whoever sees the end sees the timer: they are one batch.
  pass(14);
  EXPECT_EQ(state(application), "STARTED");
  pass(1);
  EXPECT_EQ(state(application), "STOPPED");
}

TEST_F(ServiceTest, ABatchJobIsTriedAsOftenAsItsPolicySays) {
  const auto application = create_application();
  auto request = job(application, "exit 1", "retry");
  request.retry_policy.emplace().max_attempts = 3;
  const auto run = wait_for(application, start(request), "FAILED");
  EXPECT_EQ(run.attempt, 3);
  wire::ListJobRunAttemptsRequest list;
  list.application_id = application;
  list.job_run_id = run.job_run_id;
  list.max_results = 2;
  const auto newest = service->list_job_run_attempts(ctx, list);
  ASSERT_EQ(newest->job_run_attempts.size(), 2u);
  EXPECT_EQ(newest->job_run_attempts[0].attempt, 3);
  EXPECT_EQ(newest->job_run_attempts[1].state, "FAILED");
  list.next_token = newest->next_token;
  EXPECT_EQ(service->list_job_run_attempts(ctx, list)->job_run_attempts.at(0).attempt, 1);
  wire::GetJobRunRequest ask;
  ask.application_id = application;
  ask.job_run_id = run.job_run_id;
  ask.attempt = 2;
  EXPECT_EQ(service->get_job_run(ctx, ask)->job_run.attempt, 2);
  ask.attempt = 4;
  EXPECT_EQ(service->get_job_run(ctx, ask).error().code, "ResourceNotFoundException");
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
    if (stat(entry.path().c_str(), &info) == 0) EXPECT_NE(info.st_uid, first_uid) << entry.path();
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
  const std::string script = "cat " + folder + "/data/output/*/stdout && exit 1; ls " + folder +
                             "/work && exit 2; grep -l '[s]erverless_test' /proc/[0-9]*/cmdline && exit 3; "
                             "test \"$(/usr/bin/id -un)\" = hadoop";
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
