// mekong: the command line. See commands.h for the exit codes.
#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include "app/commands.h"
#include "app/manual.h"

namespace {

using namespace mekong::app;

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

// Settings of a YAML file whose keys are the long options' names; the command line wins. A key that is no
// option is an error, not silence.
void read_config(const std::string& path, CLI::App& command) {
  const YAML::Node file = YAML::LoadFile(path);
  for (const auto& entry : file) {
    const auto name = entry.first.as<std::string>();
    CLI::Option* option = command.get_option_no_throw("--" + name);
    if (option == nullptr || name == "config") throw CLI::ConfigError(path + ": no setting '" + name + "'");
    if (option->count() > 0) continue;
    option->add_result(entry.second.as<std::string>());
    option->run_callback();
  }
}

// Every option that a variable can stand for says so in --help.
CLI::Option* data_option(CLI::App& command, std::string& data) {
  return command.add_option("--data", data, "Data folder")->envname("MEKONG_DATA")->capture_default_str();
}

// Footers stand as they are written: CLI11 would break their lines anew.
class Formatter : public CLI::Formatter {
 public:
  Formatter() { column_width(36); }
  std::string make_footer(const CLI::App* app) const override { return app->get_footer() + "\n"; }
};

// How many letters must be put, taken or changed to make one word of the other.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// Empty, or what to say of a first word that is no command.
std::string unknown_command(const CLI::App& app, std::string_view word) {
  if (word.empty() || word.front() == '-') return {};
  std::string nearest;
  for (const auto* command : app.get_subcommands({})) {
    if (command->get_name() == word) return {};
    if (distance(word, command->get_name()) <= 2) nearest = command->get_name();
  }
  return "no command '" + std::string(word) + "'" +
         (nearest.empty() ? "" : "; did you mean  mekong " + nearest + "?");
}

struct Words {
  ServeOptions serve;
  EnvOptions env;
  std::string data = default_data_folder(), config, account_name, duration, snapshot, target;
  int64_t timeout_s = 30;
  int64_t lines = 100;
  bool json = false, follow = false;
  std::string request_id, principal;
};

void add_serve(CLI::App& app, Words& words, int& code) {
  auto* command =
      app.add_subcommand("serve", "Run the server until SIGTERM; a second signal ends it at once");
  command->footer(manual::serve);
  auto& options = words.serve;
  data_option(*command, words.data);
  command->add_option("--listen", options.listen, "HOST:PORT for http and https")
      ->envname("MEKONG_LISTEN")
      ->capture_default_str();
  command->add_option("--kafka-ports", options.kafka_ports, "Ports that clusters get theirs from")
      ->envname("MEKONG_KAFKA_PORTS")
      ->capture_default_str();
  command->add_option("--metastore-port", options.metastore_port, "Hive metastore, on loopback")
      ->envname("MEKONG_METASTORE_PORT")
      ->capture_default_str();
  command->add_option("--region", options.region, "Region of what has no region of its own")
      ->envname("MEKONG_REGION")
      ->capture_default_str();
  command
      ->add_option("--durability", options.durability,
                   "sync: acknowledged survives power loss; os: kill -9 only")
      ->envname("MEKONG_DURABILITY")
      ->capture_default_str();
  command->add_option("--advertise", options.advertise, "Host name in every address handed out")
      ->envname("MEKONG_ADVERTISE")
      ->capture_default_str();
  command->add_option("--log-format", options.log_format, "text or json, a line an event on stderr")
      ->envname("MEKONG_LOG_FORMAT")
      ->capture_default_str();
  command->add_option("--slow-request-ms", options.slow_request_ms, "Log requests that take longer; 0: none")
      ->envname("MEKONG_SLOW_REQUEST_MS")
      ->capture_default_str();
  command
      ->add_option("--job-folder", options.job_folder,
                   "Where jobs run and spill; other users must be able to search its parents")
      ->envname("MEKONG_JOB_FOLDER")
      ->capture_default_str();
  command
      ->add_option("--job-credentials-s", options.job_credentials_s,
                   "How long the credentials live that a job fetches, again and again, for its role")
      ->envname("MEKONG_JOB_CREDENTIALS_S")
      ->capture_default_str();
  command->add_flag("--access-log", options.access_log,
                    "Log every AWS request: caller, operation, status, time");
  command->add_flag("--dev", options.dev,
                    "Loopback only: also take test/test as root, and this user at the metastore");
  command->add_option("--config", words.config, "YAML file with these options by their long names")
      ->envname("MEKONG_CONFIG");
  command->callback([command, &words, &code] {
    if (!words.config.empty()) read_config(words.config, *command);
    words.serve.data = absolute(words.data);
    words.serve.job_folder = absolute(words.serve.job_folder);
    code = serve(words.serve);
  });
}

void add_env(CLI::App& app, Words& words, int& code) {
  auto* command = app.add_subcommand("env", "Print shell exports for AWS clients:  eval \"$(mekong env)\"");
  command->footer(manual::env);
  data_option(*command, words.data);
  command->add_option("--account", words.env.account, "Account, by name or id")->capture_default_str();
  command->add_option("--env-prefix", words.env.prefix, "Put before every name");
  command->add_flag("--java", words.env.java, "Also JAVA_TOOL_OPTIONS with a truststore");
  command->callback([&] {
    words.env.data = absolute(words.data);
    code = print_env(words.env);
  });
}

void add_account(CLI::App& app, Words& words, int& code) {
  auto* account = app.add_subcommand("account", "Accounts; also while the server runs");
  account->footer(manual::account);
  account->require_subcommand(1);
  auto* create = account->add_subcommand("create", "Make an account with a root key");
  create->add_option("name", words.account_name, "Its name")->required();
  auto* list = account->add_subcommand("list", "List the accounts");
  for (auto* command : {create, list}) {
    data_option(*command, words.data);
    command->add_flag("--json", words.json, "Print JSON");
  }
  create->callback([&] { code = create_account(absolute(words.data), words.account_name, words.json); });
  list->callback([&] { code = list_accounts(absolute(words.data), words.json); });
}

void add_status(CLI::App& app, Words& words, int& code) {
  auto* command = app.add_subcommand("status", "Say whether the server runs, and where");
  command->footer(manual::status);
  data_option(*command, words.data);
  command->add_flag("--json", words.json, "Print JSON");
  command->callback([&] { code = print_status(absolute(words.data), words.json); });
}

void add_logs(CLI::App& app, Words& words, int& code) {
  auto* command = app.add_subcommand("logs", "Print the running server's last lines of log");
  command->footer(manual::logs);
  data_option(*command, words.data);
  command->add_option("--lines", words.lines, "How many")->capture_default_str()->check(CLI::Range(0, 1000));
  command->add_flag("-f,--follow", words.follow, "Go on with what comes");
  command->callback([&] { code = print_logs(absolute(words.data), words.lines, words.follow); });
}

void add_doctor(CLI::App& app, Words& words, int& code) {
  auto* command =
      app.add_subcommand("doctor", "Say what would keep a server from running well, and how to mend it");
  command->footer(manual::doctor);
  auto& options = words.serve;
  data_option(*command, words.data);
  command->add_option("--listen", options.listen, "As of serve")
      ->envname("MEKONG_LISTEN")
      ->capture_default_str();
  command->add_option("--kafka-ports", options.kafka_ports, "As of serve")
      ->envname("MEKONG_KAFKA_PORTS")
      ->capture_default_str();
  command->add_option("--metastore-port", options.metastore_port, "As of serve")
      ->envname("MEKONG_METASTORE_PORT")
      ->capture_default_str();
  command->add_flag("--json", words.json, "Print JSON");
  command->callback([&] {
    words.serve.data = absolute(words.data);
    code = doctor(words.serve, words.json);
  });
}

void add_verify(CLI::App& app, Words& words, int& code) {
  auto* command =
      app.add_subcommand("verify", "Read all data of a stopped server, name what is damaged, repair nothing");
  command->footer(manual::verify);
  command->add_option("data,--data", words.data, "Data folder")
      ->envname("MEKONG_DATA")
      ->capture_default_str();
  command->add_flag("--json", words.json, "Print JSON");
  command->callback([&] { code = verify(absolute(words.data), words.json); });
}

void add_snapshot(CLI::App& app, Words& words, int& code) {
  auto* snapshot = app.add_subcommand("snapshot", "Copies of the whole state, kept in the data folder");
  snapshot->footer(manual::snapshot);
  snapshot->require_subcommand(1);
  auto* create =
      snapshot->add_subcommand("create", "Keep the state as it is now; also while the server runs");
  auto* list = snapshot->add_subcommand("list", "List the snapshots");
  auto* restore = snapshot->add_subcommand("restore", "Go back to a snapshot; the server is stopped");
  auto* remove = snapshot->add_subcommand("remove", "Remove a snapshot");
  for (auto* command : {create, restore, remove}) {
    command->add_option("name", words.snapshot, "Its name")->required();
  }
  for (auto* command : {create, list, restore, remove}) data_option(*command, words.data);
  for (auto* command : {create, list}) command->add_flag("--json", words.json, "Print JSON");
  create->callback([&] { code = create_snapshot(absolute(words.data), words.snapshot, words.json); });
  list->callback([&] { code = list_snapshots(absolute(words.data), words.json); });
  restore->callback([&] { code = restore_snapshot(absolute(words.data), words.snapshot); });
  remove->callback([&] { code = remove_snapshot(absolute(words.data), words.snapshot); });
}

void add_fork(CLI::App& app, Words& words, int& code) {
  auto* command =
      app.add_subcommand("fork", "Make a data folder with the state as it is now, for another server");
  command->footer(manual::fork);
  command->add_option("folder", words.target, "The new data folder")->required();
  data_option(*command, words.data);
  command->add_flag("--json", words.json, "Print JSON");
  command->callback([&] { code = fork_data(absolute(words.data), absolute(words.target), words.json); });
}

void add_clock(CLI::App& app, Words& words, int& code) {
  auto* clock = app.add_subcommand("clock", "The service clock: schedules, waits and retention go by it");
  clock->footer(manual::clock);
  clock->require_subcommand(1);
  auto* show = clock->add_subcommand("show", "Print it beside the wall clock");
  auto* freeze = clock->add_subcommand("freeze", "Let it stand still");
  auto* resume = clock->add_subcommand("resume", "Let it go on from where it stands");
  auto* advance = clock->add_subcommand(
      "advance", "Move it forward; what is due on the way fires in order, each at its own moment");
  advance->add_option("duration", words.duration, "E.g. 90s, 1h30m, 30d")->required();
  for (auto* command : {show, freeze, resume, advance}) {
    data_option(*command, words.data);
    command->add_flag("--json", words.json, "Print JSON");
  }
  const auto move = [&](const std::string& how) { code = move_clock(absolute(words.data), how, words.json); };
  show->callback([move] { move(""); });
  freeze->callback([move] { move("freeze"); });
  resume->callback([move] { move("resume"); });
  advance->callback([move, &words] {
    const auto ms = parse_duration_ms(words.duration);
    if (!ms) throw CLI::ValidationError("duration", "'" + words.duration + "' is none: 90s, 1h30m, 30d");
    move("advance " + std::to_string(*ms));
  });
}

void add_settle(CLI::App& app, Words& words, int& code) {
  auto* command = app.add_subcommand(
      "settle", "Wait until nothing is owed: no query or batch job runs, groups have read, no timer is due");
  command->footer(manual::settle);
  data_option(*command, words.data);
  command->add_option("--timeout", words.timeout_s, "Seconds to wait; then 1 is the exit code")
      ->capture_default_str()
      ->check(CLI::Range(0, 3600));
  command->add_flag("--json", words.json, "Print JSON");
  command->callback([&] { code = settle(absolute(words.data), words.timeout_s, words.json); });
}

void add_why(CLI::App& app, Words& words, int& code) {
  auto* command =
      app.add_subcommand("why", "Say why a request was allowed or denied, or what was denied last");
  command->footer(manual::why);
  data_option(*command, words.data);
  command->add_option("request-id", words.request_id,
                      "From the reply's headers; none: the last denials, of every face");
  command->add_flag("--json", words.json, "Print JSON");
  command->callback([&] { code = why(absolute(words.data), words.request_id, words.json); });
}

void add_policy(CLI::App& app, Words& words, int& code) {
  auto* policy = app.add_subcommand("policy", "The least policy that a run needed");
  policy->footer(manual::policy);
  policy->require_subcommand(1);
  auto* record = policy->add_subcommand("record", "Begin to record what everybody does");
  auto* stop = policy->add_subcommand("stop", "End the recording");
  auto* write = policy->add_subcommand("write", "Print what was recorded as policies");
  write->add_option("principal", words.principal, "ARN of a user, role or root; else all");
  for (auto* command : {record, stop, write}) data_option(*command, words.data);
  record->callback([&] { code = record_policy(absolute(words.data), true); });
  stop->callback([&] { code = record_policy(absolute(words.data), false); });
  write->callback([&] { code = write_policy(absolute(words.data), words.principal); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Mekong: a self-hosted AWS data platform. Kafka with IAM, S3, Glue and more behind one port.",
               "mekong");
  app.require_subcommand(1);
  app.footer(manual::main);
  app.formatter(std::make_shared<Formatter>());
  Words words;
  int code = 0;
  add_serve(app, words, code);
  add_env(app, words, code);
  add_account(app, words, code);
  add_status(app, words, code);
  add_logs(app, words, code);
  add_doctor(app, words, code);
  add_verify(app, words, code);
  add_snapshot(app, words, code);
  add_fork(app, words, code);
  add_clock(app, words, code);
  add_settle(app, words, code);
  add_why(app, words, code);
  add_policy(app, words, code);
  app.add_subcommand("version", "Print the version")->callback([] { std::puts("mekong " MEKONG_VERSION); });
  if (const auto unknown = unknown_command(app, argc > 1 ? argv[1] : ""); !unknown.empty()) {
    std::fprintf(stderr, "mekong: %s See  mekong --help\n",
                 (unknown + (unknown.back() == '?' ? "" : ".")).c_str());
    return exit_usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    std::fprintf(stderr, "mekong: %s. See  mekong --help\n", error.what());
    return exit_usage;
  } catch (const YAML::Exception& error) {
    std::fprintf(stderr, "mekong: %s: %s\n", words.config.c_str(), error.what());
    return exit_usage;
  }
  return code;
}
