#include "services/emr_serverless/records.h"

#include <fmt/format.h>

#include "codec/record.h"
#include "services/emr_serverless/idle_stop.h"

namespace mekong::emr_serverless {

namespace {

constexpr std::string_view family = "emr-serverless";
constexpr size_t page = 1000;

std::string application_key(const Scope& scope, std::string_view id) {
  return fmt::format("app/{}/{}/{}", scope.account.value, scope.region.value, id);
}

std::string run_key(const RunKey& key) {
  return fmt::format("run/{}/{}/{}/{}", key.scope.account.value, key.scope.region.value, key.application_id,
                     key.id);
}

std::string token_key(const Scope& scope, std::string_view operation, std::string_view token) {
  return fmt::format("token/{}/{}/{}/{}", scope.account.value, scope.region.value, operation, token);
}

Error no_application(std::string_view id) {
  return {"ResourceNotFoundException", fmt::format("Application {} does not exist", id)};
}

template <class T>
Result<std::vector<T>> scan_all(const meta::Store& meta, const std::string& prefix) {
  std::vector<T> out;
  auto range = meta::prefix_range(prefix, page);
  for (;;) {
    MEKONG_TRY_ASSIGN(const auto rows, meta.scan(family, range));
    for (const auto& row : rows) {
      MEKONG_TRY_ASSIGN(auto record, codec::decode_record<T>(row.value));
      out.push_back(std::move(record));
    }
    if (rows.size() < page) return out;
    range.after = rows.back().key;
  }
}

Status put(meta::Store& meta, std::string key, std::string value) {
  meta::Batch batch;
  batch.put(family, std::move(key), std::move(value));
  return meta.commit(std::move(batch)).get();
}

Status add_with_token(meta::Store& meta, std::string key, std::string value, std::string token,
                      std::string id) {
  meta::Batch batch;
  batch.expect_absent(family, token);
  batch.put(family, std::move(token), std::move(id));
  batch.put(family, std::move(key), std::move(value));
  return meta.commit(std::move(batch)).get();
}

}  // namespace

void mark_started(Application& application, const os::Clock& clock) {
  application.state = "STARTED";
  application.state_details = "";
  application.updated_ms = clock.wall_ms();
  application.idle_since_ms = clock.service_ms();
}

bool is_terminal(const JobRun& run) {
  return run.state == "SUCCESS" || run.state == "FAILED" || run.state == "CANCELLED";
}

std::vector<JobRun> attempts_of(const JobRun& run) {
  std::vector<JobRun> out;
  for (const auto& past : run.past_attempts) {
    auto& then = out.emplace_back(run);
    then.attempt = past.number;
    then.state = "FAILED";
    then.state_details = past.state_details;
    then.attempt_created_ms = past.created_ms;
    then.updated_ms = then.ended_ms = past.ended_ms;
  }
  // Between two attempts the last one stands among the past.
  const bool waits = !out.empty() && out.back().attempt == run.attempt;
  if (run.attempt > 0 && !waits) out.push_back(run);
  return out;
}

RunKey key_of(const JobRun& run) {
  return {{AccountId(run.account), Region(run.region)}, run.application_id, run.id};
}

Result<Application> Records::application(const Scope& scope, std::string_view id) const {
  MEKONG_TRY_ASSIGN(const auto found, meta_.get(family, application_key(scope, id)));
  if (!found) return no_application(id);
  return codec::decode_record<Application>(*found);
}

Result<JobRun> Records::run(const RunKey& key) const {
  MEKONG_TRY_ASSIGN(const auto found, meta_.get(family, run_key(key)));
  if (!found) return Error{"ResourceNotFoundException", fmt::format("JobRun {} does not exist", key.id)};
  return codec::decode_record<JobRun>(*found);
}

Result<std::vector<Application>> Records::applications(const Scope& scope) const {
  return scan_all<Application>(meta_, application_key(scope, ""));
}

Result<std::vector<JobRun>> Records::runs(const Scope& scope, std::string_view application_id) const {
  return scan_all<JobRun>(meta_, run_key({scope, std::string(application_id), ""}));
}

Result<std::vector<JobRun>> Records::all_runs() const {
  return scan_all<JobRun>(meta_, "run/");
}

Result<std::optional<std::string>> Records::token(const Scope& scope, std::string_view operation,
                                                  std::string_view token) const {
  return meta_.get(family, token_key(scope, operation, token));
}

Status Records::add(const Application& application, std::string_view token) {
  const Scope scope{AccountId(application.account), Region(application.region)};
  return add_with_token(meta_, application_key(scope, application.id), codec::encode_record(application),
                        token_key(scope, "CreateApplication", token), application.id);
}

Status Records::add(const JobRun& run, std::string_view token) {
  const auto key = key_of(run);
  return add_with_token(meta_, run_key(key), codec::encode_record(run),
                        token_key(key.scope, "StartJobRun/" + run.application_id, token), run.id);
}

Result<Application> Records::update_in(timers::Change& batch, const Scope& scope, std::string_view id,
                                       const ChangeApplication& change) const {
  const std::string key = application_key(scope, id);
  MEKONG_TRY_ASSIGN(auto found, meta_.get(family, key));
  if (!found) return no_application(id);
  MEKONG_TRY_ASSIGN(auto record, codec::decode_record<Application>(*found));
  MEKONG_TRY(change(record));
  batch.batch.expect_value(family, key, std::move(*found));
  batch.batch.put(family, key, codec::encode_record(record));
  set_idle_stop(record, batch);
  return record;
}

Result<Application> Records::update(const Scope& scope, std::string_view id,
                                    const ChangeApplication& change) {
  std::lock_guard lock(mutex_);
  for (;;) {
    timers::Change batch;
    MEKONG_TRY_ASSIGN(auto record, update_in(batch, scope, id, change));
    const Status written = timers_.commit(std::move(batch));
    if (written.ok()) return record;
    if (written.error().code != "ConditionFailed") return written.error();
  }
}

Result<JobRun> Records::update(const RunKey& key, const ChangeRun& change) {
  std::lock_guard lock(mutex_);
  MEKONG_TRY_ASSIGN(auto record, run(key));
  MEKONG_TRY(change(record));
  MEKONG_TRY(put(meta_, run_key(key), codec::encode_record(record)));
  return record;
}

Result<JobRun> Records::end_attempt(const RunKey& key, const ChangeRun& change, const os::Clock& clock) {
  const auto idle_from_now = [&](Application& application) {
    application.idle_since_ms = clock.service_ms();
    return ok();
  };
  std::lock_guard lock(mutex_);
  for (;;) {
    MEKONG_TRY_ASSIGN(auto record, run(key));
    MEKONG_TRY(change(record));
    timers::Change batch;
    batch.batch.put(family, run_key(key), codec::encode_record(record));
    const auto application = update_in(batch, key.scope, key.application_id, idle_from_now);
    if (!application.ok() && application.error().code != "ResourceNotFoundException")
      return application.error();
    const Status written = timers_.commit(std::move(batch));
    if (written.ok()) return record;
    if (written.error().code != "ConditionFailed") return written.error();
  }
}

}  // namespace mekong::emr_serverless
