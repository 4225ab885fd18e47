// The server's own paths, beside AWS's: health, info, metrics, the credentials of jobs, and what `mekong
// account` asks for (with the token from the data folder).
#pragma once
#include <string>

#include "api/telemetry.h"
#include "app/data_folder.h"
#include "app/log_book.h"
#include "app/options.h"
#include "base/executor.h"
#include "front/server.h"
#include "iam/directory.h"
#include "jobs/supervisor.h"
#include "os/clock.h"
#include "os/net.h"
#include "services/emr_serverless/service.h"

namespace mekong::app {

class Routes {
 public:
  Routes(iam::Directory& directory, jobs::Supervisor& jobs, const emr_serverless::EmrServerless& spark,
         os::Network& network, Executor& pool, const os::Clock& clock, std::string control_token,
         const ServeOptions& options, DataFolder& folder, const api::Telemetry& telemetry,
         const LogBook& book);
  front::InternalRoutes table();

 private:
  Task<api::Response> health(const front::HttpRequest& request) const;
  Task<api::Response> info(const front::HttpRequest& request) const;
  // "?after=N&lines=M": a LogPage; without `after` the newest lines. Takes the control token.
  Task<api::Response> logs(const front::HttpRequest& request) const;
  Task<api::Response> metrics(const front::HttpRequest& request) const;
  Task<api::Response> credentials(const front::HttpRequest& request);
  // The live Spark UI of a job run, by the token that GetDashboardForJobRun gave.
  Task<api::Response> dashboard(const front::HttpRequest& request);
  // GET: all accounts. POST with a name as the body: one more. Replies hold root keys.
  Task<api::Response> accounts(const front::HttpRequest& request);

  iam::Directory& directory_;
  jobs::Supervisor& jobs_;
  const emr_serverless::EmrServerless& spark_;
  os::Network& network_;
  Executor& pool_;
  const os::Clock& clock_;
  std::string control_token_;
  ServeOptions options_;
  DataFolder& folder_;
  const api::Telemetry& telemetry_;
  const LogBook& book_;
  int64_t started_ns_;
};

api::Response json_reply(int status, std::string body);
api::Response failure_reply(int status, const Error& error);
// Whether the caller could read the data folder: the request bears its control token.
bool holds_token(const front::HttpRequest& request, std::string_view control_token);
api::Response token_needed();

// One account as the commands print it.
struct AccountNote {
  std::string id, name, access_key_id, secret_access_key;
  template <class F>
  void each_field(F&& f) {
    f("AccountId", id), f("Name", name), f("AccessKeyId", access_key_id),
        f("SecretAccessKey", secret_access_key);
  }
};
struct AccountNotes {
  std::vector<AccountNote> accounts;
  template <class F>
  void each_field(F&& f) {
    f("Accounts", accounts);
  }
};
AccountNote note_of(const iam::RootCredentials& credentials);
Result<AccountNotes> account_notes(const iam::Directory& directory);
// Brings the folder's root-credentials.json up to date.
Status note_accounts(const iam::Directory& directory, DataFolder& folder);

}  // namespace mekong::app
