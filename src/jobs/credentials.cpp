// The container-credentials protocol that every AWS SDK's default chain speaks:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
#include "codec/hash.h"
#include "codec/json.h"
#include "codec/time.h"
#include "jobs/job.h"

namespace mekong::jobs {

namespace {

CredentialsReply refusal(int status, std::string_view code, std::string_view message) {
  CredentialsReply reply{.status = status};
  codec::JsonWriter json(reply.body);
  json.begin_object();
  json.key("code");
  json.value(code);
  json.key("message");
  json.value(message);
  json.end_object();
  return reply;
}

}  // namespace

Status Supervisor::State::refresh(Job& job) {
  // A third before the end, of an hour 20 minutes: SDK v1 asks anew 15 minutes before expiry, v2 later, and
  // what they get then must be worth fetching.
  const int64_t renew_before_ms = config.credentials_s * 1'000 / 3;
  std::lock_guard lock(job.credentials_mutex);
  if (job.credentials.expires_ms - renew_before_ms > clock.wall_ms()) return ok();
  auto renewed = credentials(job.role, config.credentials_s);
  if (!renewed.ok()) {
    const bool still_valid = job.credentials.expires_ms > clock.wall_ms();
    logger.warn("jobs", "cannot renew a job's credentials",
                {{"job", job.place.id.value}, {"code", renewed.error().code}});
    return still_valid ? ok() : Status(std::move(renewed).error());
  }
  job.credentials = std::move(renewed).value();
  return ok();
}

PrincipalPtr Supervisor::principal_for_uid(uint32_t uid) {
  std::shared_ptr<Job> job;
  {
    std::lock_guard lock(state_->mutex);
    for (const auto& [id, candidate] : state_->jobs) {
      if (candidate->place.uid == uid) job = candidate;
    }
  }
  if (!job || job->role.arn.empty() || !state_->refresh(*job).ok()) return nullptr;
  std::lock_guard lock(job->credentials_mutex);
  return job->credentials.principal;
}

Result<PrincipalPtr> Supervisor::principal(const JobId& id) {
  const auto job = state_->find(id);
  if (!job) return Error{"NoSuchJob", "Job " + id.value + " is not running."};
  MEKONG_TRY(state_->refresh(*job));
  std::lock_guard lock(job->credentials_mutex);
  return job->credentials.principal;
}

CredentialsReply Supervisor::serve_credentials(const CredentialsRequest& request) {
  if (!request.loopback)
    return refusal(403, "AccessDenied", "Credentials are given to this machine's jobs only.");
  if (!request.path.starts_with(credentials_prefix)) return refusal(404, "NotFound", "No such path.");
  const auto job = state_->find(JobId(std::string(request.path.substr(credentials_prefix.size()))));
  // The same words for every cause: no hint which of them it was.
  const bool known =
      job && !job->role.arn.empty() && codec::equal_in_constant_time(request.authorization, job->secret);
  const bool same_uid = known && (!job->place.uid || request.peer_uid == job->place.uid);
  if (!same_uid) return refusal(401, "Unauthorized", "No running job has this path and token.");
  const auto fresh = state_->refresh(*job);
  if (!fresh.ok()) return refusal(403, fresh.error().code, fresh.error().message);
  std::lock_guard lock(job->credentials_mutex);
  CredentialsReply reply;
  codec::JsonWriter json(reply.body);
  json.begin_object();
  json.key("AccessKeyId");
  json.value(job->credentials.access_key_id);
  json.key("SecretAccessKey");
  json.value(job->credentials.secret_access_key);
  json.key("Token");
  json.value(job->credentials.session_token);
  json.key("Expiration");
  json.value(codec::format_iso8601(job->credentials.expires_ms));
  json.key("RoleArn");
  json.value(job->role.arn);
  json.end_object();
  return reply;
}

}  // namespace mekong::jobs
