// What `mekong <command>` does. Each returns the exit code: 0 done, 1 failed, 2 wrong use, 3 no server is
// running.
#pragma once
#include <string>

#include "app/options.h"

namespace mekong::app {

inline constexpr int exit_failed = 1, exit_usage = 2, exit_not_running = 3;

int serve(const ServeOptions& options);

struct EnvOptions {
  std::string data, account = "default", prefix;
  bool java = false;
};
int print_env(const EnvOptions& options);

int create_account(const std::string& data, const std::string& name, bool json);
int list_accounts(const std::string& data, bool json);
int print_status(const std::string& data, bool json);

}  // namespace mekong::app
