// A broker on the real engines and nothing else, for protocol tests with real clients (tests/kafka drives it)
// and for benches. Its users and their keys are made at the first start and printed. Never part of mekong.
//
//   mekong-kafka-testserver PORT FOLDER [SESSION_MS]     FOLDER/tls.pem holds certificate and key, without it
//   the listener is SASL_PLAINTEXT; sessions end after SESSION_MS (12 hours)
#include <csignal>
#include <cstdio>
#include <iostream>
#include <thread>

#include "base/thread_pool.h"
#include "iam/iam.h"
#include "kafka/broker.h"
#include "log/disk_log.h"
#include "os/own_memory.h"

namespace mekong::kafka {
namespace {

class StderrLogger final : public Logger {
 public:
  void write(Level, std::string_view module, std::string_view event,
             std::initializer_list<LogField> fields) override {
    std::string line(module);
    line.append(": ").append(event);
    for (const auto& field : fields) line.append(" ").append(field.key).append("=").append(field.value);
    std::cerr << line + "\n";
  }
};

// Who the tests are: a user who may do all, one with what seed 000's policy grants, one with the same less
// WriteData.
struct TestUser {
  std::string name, actions;
};

const TestUser kUsers[] = {
    {"all", R"("kafka-cluster:*")"},
    {"seed", R"("kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:CreateTopic",
                "kafka-cluster:DescribeTopic", "kafka-cluster:WriteData", "kafka-cluster:ReadData",
                "kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup")"},
    {"read", R"("kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:CreateTopic",
                "kafka-cluster:DescribeTopic", "kafka-cluster:ReadData", "kafka-cluster:AlterGroup",
                "kafka-cluster:DescribeGroup")"},
};

// "name=key:secret" for each user, made at the first start.
Result<std::string> make_users(iam::Directory& directory, const std::string& account) {
  std::string printed;
  for (const auto& wanted : kUsers) {
    if (!directory.find_user(AccountId(account), wanted.name)) {
      iam::User user;
      user.account = account;
      user.name = wanted.name;
      user.inline_policies["kafka"] =
          R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [)" +
          wanted.actions + "]}]}";
      MEKONG_TRY(directory.create_user(user));
      MEKONG_TRY(directory.create_key(AccountId(account), wanted.name));
    }
    auto keys = directory.keys(AccountId(account), wanted.name);
    printed += " " + wanted.name + "=" + keys.front()->id + ":" + keys.front()->secret;
  }
  return printed;
}

int run(uint16_t port, const std::string& folder, int64_t session_max_ms) {
  os::keep_freed_memory();
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  StderrLogger logger;
  os::SystemClock clock;
  os::SystemRandom random;
  os::PosixFiles files;
  auto made = files.make_directories(folder);
  auto meta = meta::open_rocksdb(folder + "/meta", {"kafka", "iam"}, meta::Durability::sync);
  auto log = log::DiskLog::open(files, clock, random, logger, folder + "/log");
  if (!made.ok() || !meta.ok() || !log.ok()) {
    std::cerr << "cannot open " << folder << "\n";
    return 2;
  }
  auto iam = iam::Iam::open(**meta, iam::no_resource_policies, clock, random, {});
  if (!iam.ok()) return 2;
  std::string account = (*iam)->directory().accounts().front().id;
  auto users = make_users((*iam)->directory(), account);
  if (!users.ok()) {
    std::cerr << users.error().code << ": " << users.error().message << "\n";
    return 2;
  }
  auto pem = files.read_file(folder + "/tls.pem");
  std::shared_ptr<os::TlsServer> tls;
  if (pem.ok()) {
    auto made_tls = os::make_tls_server(*pem, *pem);
    if (!made_tls.ok()) return 2;
    tls = *made_tls;
  }
  auto network = os::make_network(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  ThreadPool pool("handlers", 4);
  Broker broker({*network, pool, clock, random, **meta, **log, (*iam)->authoriser(), (*iam)->kafka_login(),
                 logger, tls});
  ClusterSpec spec{
      .arn = "arn:aws:kafka:us-east-1:" + account + ":cluster/demo/0f8fad5b-d9cb-469f-a165-70867728950e-s1",
      .name = "demo",
      .uuid = "0f8fad5b-d9cb-469f-a165-70867728950e-s1",
      .account = AccountId(account),
      .region = Region("us-east-1"),
      .port = port,
      .listener_names = {"localhost"},
      .tls = tls != nullptr,
      .session_max_ms = session_max_ms};
  auto opened = broker.open_cluster(spec);
  if (!opened.ok()) {
    std::cerr << opened.error().code << ": " << opened.error().message << "\n";
    return 2;
  }
  std::cout << "ready " << *opened << *users << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

}  // namespace
}  // namespace mekong::kafka

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  const int64_t session_max_ms =
      argc == 4 ? std::stoll(argv[3]) : mekong::kafka::ClusterSpec().session_max_ms;
  return mekong::kafka::run(static_cast<uint16_t>(std::stoi(argv[1])), argv[2], session_max_ms);
}
