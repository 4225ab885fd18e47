#include "app/commands.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "app/control.h"
#include "app/server.h"
#include "app/stderr_logger.h"
#include "codec/record.h"
#include "os/descriptors.h"
#include "os/own_memory.h"
#include "os/own_process.h"

namespace mekong::app {
namespace {

constexpr int64_t drain_ms = 10'000;

// What /_mekong/info says that print_status() names.
struct Walls {
  std::string jobs;
  template <class F>
  void each_field(F&& f) {
    f("jobs", jobs);
  }
};

// For a POSIX shell: 'it''s' safe whatever it holds.
std::string shell_quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace

int fail(const Error& error) {
  std::fprintf(stderr, "mekong: %s (%s)\n", error.message.c_str(), error.code.c_str());
  if (error.code == "NotRunning" || error.code == "NotInitialised") return exit_not_running;
  const bool usage = error.code == "Usage" || error.code == "InUse" || error.code == "AddressInUse" ||
                     error.code == "PermissionDenied" || error.code == "AddressNotAvailable";
  return usage ? exit_usage : exit_failed;
}

int serve(const ServeOptions& options) {
  if (const auto checked = check(options); !checked.ok()) return fail(checked.error());
  os::keep_freed_memory();
  // Blocked before any thread exists, so that only sigwait below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  os::raise_descriptor_limit();
  if (const auto kept = os::keep_memory_private(); !kept.ok()) return fail(kept.error());
  os::end_when_out_of_memory();

  static os::SystemClock clock;
  static LogBook book;
  static StderrLogger logger(clock, options.log_format == "json" ? LogFormat::json : LogFormat::text, book);
  auto server = Server::start(options, logger, book);
  if (!server.ok()) {
    std::fflush(stdout);
    const int code = fail(server.error());
    ::_exit(code);
  }
  std::printf("mekong ready %s\n", (*server)->url().c_str());
  std::fflush(stdout);
  logger.info("app", "ready", {{"url", (*server)->url()}, {"data", options.data}});

  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) (*server)->renew_certificate();
  logger.info("app", "draining", {{"signal", std::to_string(signal)}});
  std::thread second([signals] {
    int again = SIGHUP;
    while (again == SIGHUP) sigwait(&signals, &again);
    ::_exit(exit_failed);
  });
  second.detach();
  (*server)->stop(drain_ms);
  logger.info("app", "stopped");
  // All that was acknowledged is on disk; what is left are threads that the process's end takes along.
  ::_exit(0);
}

int print_env(const EnvOptions& options) {
  os::PosixFiles files;
  DataFolder folder(files, options.data);
  auto note = folder.note();
  if (!note.ok()) {
    return fail({"NotInitialised", "no server has run on " + options.data +
                                       ": start it with  mekong serve --data " + options.data});
  }
  auto accounts = read_accounts(options.data);
  if (!accounts.ok()) return fail(accounts.error());
  for (const auto& account : accounts->accounts) {
    if (account.name != options.account && account.id != options.account) continue;
    std::string bundle = folder.ca_bundle();
    const auto print = [&](const char* name, const std::string& value) {
      std::printf("export %s%s=%s\n", options.prefix.c_str(), name, shell_quoted(value).c_str());
    };
    print("AWS_ENDPOINT_URL", note->endpoint);
    // S3 Control's clients put the account before the host, which must be a name for that.
    constexpr std::string_view loopback = "://127.0.0.1:";
    if (const size_t at = note->endpoint.find(loopback); at != std::string::npos) {
      print("AWS_ENDPOINT_URL_S3_CONTROL",
            note->endpoint.substr(0, at) + "://localhost:" + note->endpoint.substr(at + loopback.size()));
    }
    print("AWS_ACCESS_KEY_ID", account.access_key_id);
    print("AWS_SECRET_ACCESS_KEY", account.secret_access_key);
    print("AWS_REGION", note->region);
    print("AWS_DEFAULT_REGION", note->region);
    print("AWS_CA_BUNDLE", bundle);
    // Kafka clients on OpenSSL (Python's, librdkafka's, Go's) know no AWS_CA_BUNDLE. The bundle has the
    // public CAs too.
    print("SSL_CERT_FILE", bundle);
    if (options.java) {
      print("JAVA_TOOL_OPTIONS",
            "-Djavax.net.ssl.trustStore=" + folder.truststore() +
                " -Djavax.net.ssl.trustStorePassword=" + std::string(truststore_password));
    }
    if (options.prefix.empty()) std::printf("unset AWS_PROFILE AWS_SESSION_TOKEN\n");
    return 0;
  }
  return fail({"NoSuchAccount",
               "no account '" + options.account + "'; see  mekong account list --data " + options.data});
}

int create_account(const std::string& data, const std::string& name, bool json) {
  auto made = make_account(data, name);
  if (!made.ok()) return fail(made.error());
  if (json) {
    std::printf("%s\n", codec::encode_record(*made).c_str());
  } else {
    std::printf("account %s (%s)\n", made->id.c_str(), made->name.c_str());
    std::printf("its exports:  mekong env --data %s --account %s\n", data.c_str(), made->name.c_str());
  }
  return 0;
}

int list_accounts(const std::string& data, bool json) {
  auto accounts = read_accounts(data);
  if (!accounts.ok()) return fail(accounts.error());
  for (auto& account : accounts->accounts) account.secret_access_key.clear();
  if (json) {
    std::printf("%s\n", codec::encode_record(*accounts).c_str());
    return 0;
  }
  for (const auto& account : accounts->accounts)
    std::printf("%s  %s\n", account.id.c_str(), account.name.c_str());
  return 0;
}

int print_status(const std::string& data, bool json) {
  os::PosixFiles files;
  const DataFolder folder(files, data);
  auto info = ask_server(folder, files, "/_mekong/info", "");
  if (!info.ok()) return fail(info.error());
  const auto note = folder.note();
  if (json) {
    std::printf("%s\n", info->c_str());
  } else if (note.ok()) {
    std::printf("running at %s, data in %s\n", note->endpoint.c_str(), data.c_str());
    const auto walls = codec::decode_record<Walls>(*info);
    if (walls.ok()) std::printf("jobs run apart by: %s\n", walls->jobs.c_str());
  }
  return 0;
}

}  // namespace mekong::app
