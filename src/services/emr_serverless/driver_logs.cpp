#include "services/emr_serverless/driver_logs.h"

#include <zlib.h>

#include <fmt/format.h>

namespace mekong::emr_serverless {

namespace {

constexpr size_t log_bytes_max = 64 << 20;  // of one object; a longer log is uploaded up to here

}  // namespace

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int gzip_window_bits = 15 + 16;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return {};
  }
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Result<LogLocation> parse_log_uri(std::string_view uri) {
  constexpr std::string_view scheme = "s3://";
  const auto rest = uri.starts_with(scheme) ? uri.substr(scheme.size()) : std::string_view();
  const auto slash = rest.find('/');
  LogLocation out{std::string(rest.substr(0, slash)), {}};
  if (out.bucket.empty()) {
    return Error{"ValidationException", fmt::format("logUri must be s3://bucket/prefix, not '{}'.", uri)};
  }
  if (slash != std::string_view::npos) out.prefix = rest.substr(slash + 1);
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  return out;
}

std::string log_key(const LogLocation& location, const JobRun& run, std::string_view name) {
  return fmt::format("{}{}applications/{}/jobs/{}/{}SPARK_DRIVER/{}.gz", location.prefix,
                     location.prefix.empty() ? "" : "/", run.application_id, run.id,
                     run.attempt > 1 ? fmt::format("attempts/{}/", run.attempt) : "", name);
}

Status DriverLogs::upload_one(const JobRun& run, const jobs::JobId& job, const PrincipalPtr& principal,
                              jobs::Stream stream) {
  MEKONG_TRY_ASSIGN(const auto location, parse_log_uri(run.log_uri));
  MEKONG_TRY_ASSIGN(const auto bytes, supervisor_.read_output(job, stream, 0, log_bytes_max));
  const auto known = uploaded_bytes_.find(stream);
  if (known != uploaded_bytes_.end() && known->second == bytes.size()) return ok();
  const auto key = log_key(location, run, stream == jobs::Stream::out ? "stdout" : "stderr");
  MEKONG_TRY(put_(principal, location.bucket, key, gzip(bytes)));
  uploaded_bytes_[stream] = bytes.size();
  return ok();
}

void DriverLogs::upload(const JobRun& run, const jobs::JobId& job, const PrincipalPtr& principal) {
  if (run.log_uri.empty() || !principal) return;
  for (const auto stream : {jobs::Stream::out, jobs::Stream::err}) {
    const auto status = upload_one(run, job, principal, stream);
    if (!status.ok()) {
      logger_.warn("emr-serverless", "cannot upload a job's log",
                   {{"run", run.id}, {"code", status.error().code}, {"message", status.error().message}});
    }
  }
}

}  // namespace mekong::emr_serverless
