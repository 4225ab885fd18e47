// What `mekong <command>` does. Each returns the exit code: 0 done, 1 failed, 2 wrong use, 3 no server is
// running.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/options.h"

namespace mekong::app {

// Prints the error as one line on stderr; the exit code for it.
int fail(const Error& error);

inline constexpr int exit_failed = 1, exit_usage = 2, exit_not_running = 3;

int serve(const ServeOptions& options);

struct EnvOptions {
  std::string data, account = "default", prefix;
  bool java = false;
};
int print_env(const EnvOptions& options);

int create_account(const std::string& data, const std::string& name, bool json);
int list_accounts(const std::string& data, bool json);
// `move`: the request's body (time_routes.h); empty: only shows it.
int move_clock(const std::string& data, const std::string& move, bool json);
int settle(const std::string& data, int64_t timeout_s, bool json);
// "90s", "1h30m", "30d", "250ms": milliseconds; none when it is no duration.
std::optional<int64_t> parse_duration_ms(std::string_view text);

// The running server's last `lines` lines of log, and with `follow` what comes after, until the server ends.
int print_logs(const std::string& data, int64_t lines, bool follow);
// What could keep a server from running well here, and how to mend it. 1 when something is broken.
int doctor(const ServeOptions& options, bool json);
// What was decided for a request, and why; of an empty one: the last denials.
int why(const std::string& data, const std::string& request_id, bool json);
int record_policy(const std::string& data, bool on);
// The least policy of what was recorded: of one user, role or root, or of everybody.
int write_policy(const std::string& data, const std::string& principal);

int print_status(const std::string& data, bool json);
// Copies of the state (snapshots.h), of a running server or of a stopped one's folder.
int create_snapshot(const std::string& data, const std::string& name, bool json);
int list_snapshots(const std::string& data, bool json);
int remove_snapshot(const std::string& data, const std::string& name);
int restore_snapshot(const std::string& data, const std::string& name);
int fork_data(const std::string& data, const std::string& target, bool json);
// Reads all that a folder holds and names what is damaged; repairs nothing. 1 when something is.
int verify(const std::string& data, bool json);

}  // namespace mekong::app
