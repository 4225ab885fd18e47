// The driver's stdout and stderr as the gzip objects that EMR Serverless writes below a job's logUri.
#pragma once
#include <map>
#include <string>

#include "base/logging.h"
#include "base/result.h"
#include "jobs/supervisor.h"
#include "services/emr_serverless/config.h"
#include "services/emr_serverless/records.h"

namespace mekong::emr_serverless {

std::string gzip(std::string_view bytes);

// "s3://bucket/prefix/" → bucket and prefix without slashes at its end. Error: "ValidationException".
struct LogLocation {
  std::string bucket, prefix;
};
Result<LogLocation> parse_log_uri(std::string_view uri);

// <logUri>/applications/<application>/jobs/<run>[/attempts/<n>, from the second on]/SPARK_DRIVER/<name>.gz
// https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html
std::string log_key(const LogLocation& location, const JobRun& run, std::string_view name);

// The logs of one attempt. One thread at a time.
class DriverLogs {
 public:
  DriverLogs(jobs::Supervisor& supervisor, const PutObject& put, Logger& logger)
      : supervisor_(supervisor), put_(put), logger_(logger) {}
  // Uploads what has grown since the last call; the rest is as it was. Failures are logged and tried again.
  void upload(const JobRun& run, const jobs::JobId& job, const PrincipalPtr& principal);

 private:
  Status upload_one(const JobRun& run, const jobs::JobId& job, const PrincipalPtr& principal,
                    jobs::Stream stream);
  jobs::Supervisor& supervisor_;
  const PutObject& put_;
  Logger& logger_;
  std::map<jobs::Stream, uint64_t> uploaded_bytes_;
};

}  // namespace mekong::emr_serverless
