// A broker on the real engines and nothing else, for protocol tests with real clients: tests/kafka drives it.
// Logins are NOT verified: the access key id that a client names says what it may do (see Keys). Never part
// of mekong.
//
//   mekong-kafka-testserver PORT FOLDER
#include <csignal>
#include <cstdio>
#include <iostream>

#include "base/thread_pool.h"
#include "kafka/broker.h"
#include "log/disk_log.h"

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

std::string decode_base64url(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (char c : text) {
    auto value = alphabet.find(c);
    if (value == std::string_view::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> have & 0xff);
  }
  return out;
}

class NamedLogin final : public iam::KafkaLogin {
 public:
  Result<Session> aws_msk_iam(std::string_view payload, const std::vector<std::string>&) const override {
    return after(payload, R"("x-amz-credential":")");
  }
  Result<Session> oauthbearer(std::string_view token) const override {
    return after(decode_base64url(token), "X-Amz-Credential=");
  }

 private:
  static Result<Session> after(std::string_view text, std::string_view mark) {
    auto at = text.find(mark);
    if (at == std::string_view::npos) return Error{"MissingAuthenticationToken", "no credential"};
    auto key = text.substr(at + mark.size());
    key = key.substr(0, key.find_first_of("/%"));
    if (key.starts_with("AKIAWRONG")) return Error{"InvalidClientTokenId", "unknown key"};
    auto principal = std::make_shared<Principal>();
    principal->arn = "arn:aws:iam::123456789012:user/" + std::string(key);
    return Session{principal, Region("us-east-1"), 0};
  }
};

// AKIAALL…: everything. AKIASEED…: what seed 000's policy grants. AKIAREAD…: the same without WriteData.
class Keys final : public Authoriser {
 public:
  Decision decide(const AuthorisationRequest& request) const override {
    auto user = request.principal.arn.substr(request.principal.arn.rfind('/') + 1);
    if (user.starts_with("AKIAALL")) return {true, ""};
    bool reads = user.starts_with("AKIAREAD"), seed = user.starts_with("AKIASEED");
    auto action = request.action.substr(request.action.find(':') + 1);
    if (action == "WriteData") return {seed, ""};
    for (auto granted : {"Connect", "DescribeCluster", "CreateTopic", "DescribeTopic", "ReadData",
                         "AlterGroup", "DescribeGroup"}) {
      if (action == granted) return {seed || reads, ""};
    }
    return {false, ""};
  }
};

constexpr std::string_view kFamilyName = "kafka";

int run(uint16_t port, const std::string& folder) {
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
  auto meta = meta::open_rocksdb(folder + "/meta", {std::string(kFamilyName)}, meta::Durability::sync);
  auto log = log::DiskLog::open(files, clock, logger, folder + "/log");
  if (!made.ok() || !meta.ok() || !log.ok()) {
    std::cerr << "cannot open " << folder << "\n";
    return 2;
  }
  Keys keys;
  NamedLogin login;
  auto network = os::make_network(1);
  ThreadPool pool("handlers", 4);
  Broker broker({*network, pool, clock, random, **meta, **log, keys, login, logger, nullptr});
  ClusterSpec spec{
      .arn = "arn:aws:kafka:us-east-1:123456789012:cluster/demo/0f8fad5b-d9cb-469f-a165-70867728950e-s1",
      .name = "demo",
      .uuid = "0f8fad5b-d9cb-469f-a165-70867728950e-s1",
      .account = AccountId("123456789012"),
      .region = Region("us-east-1"),
      .port = port,
      .listener_names = {"localhost"},
      .tls = false};
  auto opened = broker.open_cluster(spec);
  if (!opened.ok()) {
    std::cerr << opened.error().code << ": " << opened.error().message << "\n";
    return 2;
  }
  std::cout << "ready " << *opened << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

}  // namespace
}  // namespace mekong::kafka

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return mekong::kafka::run(static_cast<uint16_t>(std::stoi(argv[1])), argv[2]);
}
