#include "app/routes.h"

#include <algorithm>
#include <charconv>

#include "codec/hash.h"
#include "codec/record.h"
#include "codec/text.h"
#include "services/emr_serverless/dashboard.h"

namespace mekong::app {
namespace {

const std::string* header(const front::HttpRequest& request, std::string_view name) {
  return api::find_header(request.head.headers, name);
}

struct Message {
  std::string code, message;
  template <class F>
  void each_field(F&& f) {
    f("Code", code), f("Message", message);
  }
};

struct Info {
  std::string version, region, durability, advertise, jobs;
  bool dev = false;
  int64_t uptime_s = 0;
  template <class F>
  void each_field(F&& f) {
    f("version", version), f("region", region), f("durability", durability), f("advertise", advertise);
    f("dev", dev), f("uptime", uptime_s), f("jobs", jobs);
  }
};

}  // namespace

api::Response json_reply(int status, std::string body) {
  api::Response out;
  out.status = status;
  out.headers = {{"Content-Type", "application/json"}};
  out.body = std::move(body);
  return out;
}

api::Response failure_reply(int status, const Error& error) {
  return json_reply(status, codec::encode_record(Message{error.code, error.message}));
}

bool holds_token(const front::HttpRequest& request, std::string_view control_token) {
  const std::string* given = header(request, "x-mekong-token");
  return given != nullptr && codec::equal_in_constant_time(*given, control_token);
}

api::Response token_needed() {
  return failure_reply(403, {"AccessDenied", "this path takes the token of the data folder"});
}

AccountNote note_of(const iam::RootCredentials& credentials) {
  return {credentials.account.id, credentials.account.name, credentials.access_key_id,
          credentials.secret_access_key};
}

Result<AccountNotes> account_notes(const iam::Directory& directory) {
  AccountNotes out;
  for (const auto& account : directory.accounts()) {
    MEKONG_TRY_ASSIGN(const auto credentials, directory.root_credentials(account.name));
    out.accounts.push_back(note_of(credentials));
  }
  return out;
}

Status note_accounts(const iam::Directory& directory, DataFolder& folder) {
  MEKONG_TRY_ASSIGN(const auto notes, account_notes(directory));
  return folder.write_root_credentials(codec::encode_record(notes));
}

Routes::Routes(iam::Directory& directory, jobs::Supervisor& jobs, const emr_serverless::EmrServerless& spark,
               os::Network& network, Executor& pool, const os::Clock& clock, std::string control_token,
               const ServeOptions& options, DataFolder& folder, const api::Telemetry& telemetry,
               const LogBook& book)
    : directory_(directory),
      jobs_(jobs),
      spark_(spark),
      network_(network),
      pool_(pool),
      clock_(clock),
      control_token_(std::move(control_token)),
      options_(options),
      folder_(folder),
      telemetry_(telemetry),
      book_(book),
      started_ns_(clock.monotonic_ns()) {}

front::InternalRoutes Routes::table() {
  using Request = const front::HttpRequest&;
  return {{"/_mekong/health", [this](Request request) { return health(request); }},
          {"/_mekong/info", [this](Request request) { return info(request); }},
          {"/_mekong/logs", [this](Request request) { return logs(request); }},
          {"/metrics", [this](Request request) { return metrics(request); }},
          {"/_mekong/credentials", [this](Request request) { return credentials(request); }},
          {"/_mekong/dashboards", [this](Request request) { return dashboard(request); }},
          {"/_mekong/accounts", [this](Request request) { return accounts(request); }}};
}

Task<api::Response> Routes::health(const front::HttpRequest&) const {
  co_return json_reply(
      200, R"({"services": {"iam": "running", "sts": "running", "s3": "running", "glue": "running", )"
           R"("kafka": "running", "emr-serverless": "running", )"
           R"("athena": "running"}, "edition": "mekong", "version": ")" MEKONG_VERSION R"("})");
}

Task<api::Response> Routes::info(const front::HttpRequest&) const {
  const int64_t uptime_s = (clock_.monotonic_ns() - started_ns_) / 1'000'000'000;
  co_return json_reply(
      200, codec::encode_record(Info{MEKONG_VERSION, options_.region, options_.durability, options_.advertise,
                                     jobs_.walls(), options_.dev, uptime_s}));
}

Task<api::Response> Routes::metrics(const front::HttpRequest&) const {
  const double uptime_s = static_cast<double>(clock_.monotonic_ns() - started_ns_) / 1e9;
  api::Response out;
  out.headers = {{"Content-Type", "text/plain; version=0.0.4"}};
  out.body = "# TYPE mekong_info gauge\nmekong_info{version=\"" MEKONG_VERSION
             "\"} 1\n"
             "# TYPE mekong_uptime_seconds gauge\nmekong_uptime_seconds " +
             std::to_string(uptime_s) +
             "\n"
             "# TYPE mekong_jobs_running gauge\nmekong_jobs_running " +
             std::to_string(jobs_.running()) + "\n" + telemetry_.prometheus();
  co_return out;
}

Task<api::Response> Routes::logs(const front::HttpRequest& request) const {
  constexpr int64_t lines_max = 1000;
  if (!holds_token(request, control_token_)) co_return token_needed();
  int64_t after = -1, lines = lines_max;
  const auto query = codec::parse_query(request.head.raw_query, false).value_or(api::Headers{});
  for (const auto& [name, value] : query) {
    int64_t& number = name == "after" ? after : lines;
    std::from_chars(value.data(), value.data() + value.size(), number);
  }
  const auto most = static_cast<size_t>(std::clamp<int64_t>(lines, 0, lines_max));
  co_return json_reply(200, codec::encode_record(book_.after(after, most, after < 0)));
}

Task<api::Response> Routes::credentials(const front::HttpRequest& request) {
  co_await resume_on(pool_);
  const std::string* authorization = header(request, "authorization");
  jobs::CredentialsRequest asked;
  asked.path = request.head.raw_path;
  asked.authorization = authorization != nullptr ? std::string_view(*authorization) : std::string_view();
  asked.loopback = request.head.source_ip.starts_with("127.") || request.head.source_ip == "::1";
  if (const auto uid = request.peer_uid(); uid.ok()) asked.peer_uid = *uid;
  auto reply = jobs_.serve_credentials(asked);
  co_return json_reply(reply.status, std::move(reply.body));
}

Task<api::Response> Routes::dashboard(const front::HttpRequest& request) {
  if (request.head.method != "GET") {
    co_return failure_reply(405, Error{"MethodNotAllowed", "The dashboard is only read."});
  }
  auto reply = co_await emr_serverless::fetch_dashboard(network_, spark_, request.head.raw_path,
                                                        request.head.raw_query);
  if (!reply.ok()) co_return failure_reply(reply.error().http_status, reply.error());
  api::Response out;
  out.status = reply->status;
  out.headers = std::move(reply->headers);
  out.body = std::move(reply->body);
  co_return out;
}

Task<api::Response> Routes::accounts(const front::HttpRequest& request) {
  co_await resume_on(pool_);
  if (!holds_token(request, control_token_)) co_return token_needed();
  if (request.head.method == "POST") {
    auto made = directory_.create_account(request.body);
    if (!made.ok()) co_return failure_reply(409, made.error());
    const auto noted = note_accounts(directory_, folder_);
    if (!noted.ok()) co_return failure_reply(500, noted.error());
    co_return json_reply(200, codec::encode_record(note_of(*made)));
  }
  auto notes = account_notes(directory_);
  if (!notes.ok()) co_return failure_reply(500, notes.error());
  co_return json_reply(200, codec::encode_record(*notes));
}

}  // namespace mekong::app
