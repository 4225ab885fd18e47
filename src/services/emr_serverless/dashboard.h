// The live Spark UI of a running job through the server's own port: GetDashboardForJobRun's URL leads here.
// The token in the path is the permission; it is valid while its attempt runs. Only GET is passed on.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "os/net.h"
#include "services/emr_serverless/service.h"

namespace mekong::emr_serverless {

struct DashboardReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // Content-Type, Location
  std::string body;
};

// "/_mekong/dashboards/<token>/jobs/" → token and "/jobs/". Error: "NotFound".
struct DashboardPath {
  std::string token, rest;
};
Result<DashboardPath> parse_dashboard_path(std::string_view raw_path);

// A whole HTTP/1.0 reply as Spark's UI gives it; its redirections are led back below `prefix`. Error:
// "BadGateway".
Result<DashboardReply> parse_dashboard_reply(std::string_view bytes, std::string_view prefix);

// Resumes on any executor. Errors: "NotFound" (no such token), "BadGateway" (the driver does not answer).
Task<Result<DashboardReply>> fetch_dashboard(os::Network& network, const EmrServerless& service,
                                             std::string raw_path, std::string raw_query);

}  // namespace mekong::emr_serverless
