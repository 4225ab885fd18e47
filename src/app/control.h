// How a command reaches the server of a data folder: by HTTP with the folder's token while it runs, else
// straight at the folder.
#pragma once
#include <string>

#include "app/data_folder.h"
#include "app/routes.h"
#include "base/result.h"

namespace mekong::app {

struct Question {
  std::string method = "GET", path, body = {};
  int64_t timeout_ms = 10'000;
};
struct Answer {
  int status = 0;
  std::string body;
};
// What the running server answers, whatever its status. Errors: "NotRunning", "Timeout".
Result<Answer> call_server(const DataFolder& folder, os::Files& files, const Question& question);
// The error that an answer other than 200 holds.
Error refusal(const Answer& answer);
// GET or, with a body, POST to a path of the running server. Errors: "NotRunning", the reply's own code.
Result<std::string> ask_server(const DataFolder& folder, os::Files& files, const std::string& path,
                               const std::string& body);

Result<AccountNotes> read_accounts(const std::string& data);  // "NotInitialised", "InUse" …
Result<AccountNote> make_account(const std::string& data, const std::string& name);

}  // namespace mekong::app
