// Any order of handshakes and tokens, in pieces that the input's first bytes cut: a client is let in only by
// a token that the login takes, after a handshake, and stays out once it was refused.
#include <cstdint>

#include "kafka/errors.h"
#include "kafka/sasl.h"

namespace mekong::kafka {
namespace {

namespace proto = gen::kafka_protocol;

class OneToken final : public iam::KafkaLogin {
 public:
  Result<Session> aws_msk_iam(std::string_view payload, const std::vector<std::string>&) const override {
    if (payload != "good") return Error{"AccessDenied", "no"};
    return Session{std::make_shared<Principal>(), Region("us-east-1"), 3'600'000};
  }
  Result<Session> oauthbearer(std::string_view token) const override { return aws_msk_iam(token, {}); }
};

void run(std::string_view input) {
  static const OneToken login;
  static os::ManualClock clock(600'000);
  static os::SeededRandom random(1);
  SaslSession sasl(
      {login, clock, random, {"localhost"}, Region("us-east-1"), 3'600'000, [](const Principal&) {
         return true;
       }});
  bool shaken = false;
  while (input.size() >= 2 && !sasl.failed()) {
    const auto kind = static_cast<uint8_t>(input[0]);
    const auto bytes = std::string(input.substr(2, static_cast<uint8_t>(input[1])));
    input.remove_prefix(2 + bytes.size());
    if (kind % 2 == 0) {
      shaken = sasl.handshake({.mechanism = bytes}, kind % 4 == 0 ? 1 : 0).error_code == NONE;
      continue;
    }
    const auto reply = sasl.authenticate({.auth_bytes = bytes});
    const bool good = bytes == "good" || oauth_bearer_token(bytes) == "good";
    if (reply.error_code == NONE && !(shaken && good)) __builtin_trap();
    if ((reply.error_code == NONE) == sasl.failed()) __builtin_trap();
    shaken = false;
  }
}

}  // namespace
}  // namespace mekong::kafka

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  mekong::kafka::run({reinterpret_cast<const char*>(data), size_bytes});
  return 0;
}
