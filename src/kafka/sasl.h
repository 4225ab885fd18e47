// The login of one connection: SaslHandshake, SaslAuthenticate, and again before the session ends (KIP-368).
// Used by one request at a time.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/authoriser.h"
#include "gen/kafka_protocol/sasl_authenticate.h"
#include "gen/kafka_protocol/sasl_handshake.h"
#include "iam/authenticator.h"
#include "os/clock.h"
#include "os/random.h"

namespace mekong::kafka {

class SaslSession {
 public:
  struct Services {
    const iam::KafkaLogin& login;
    const os::Clock& clock;
    os::Random& random;
    std::vector<std::string> listener_names;
    Region region;  // of the cluster: a login signed for another one is refused
    int64_t session_max_ms;
    // May this principal connect to the cluster (kafka-cluster:Connect)?
    std::function<bool(const Principal&)> may_connect;
  };
  explicit SaslSession(Services services) : services_(std::move(services)) {}

  gen::kafka_protocol::SaslHandshakeResponse handshake(
      const gen::kafka_protocol::SaslHandshakeRequest& request, int16_t version);
  // After a failure failed() is true: answer, then close the connection.
  gen::kafka_protocol::SaslAuthenticateResponse authenticate(
      const gen::kafka_protocol::SaslAuthenticateRequest& request);

  // Between a handshake and its token nothing else is answered, in a session that goes on neither: what is
  // asked then must not be done as who one was.
  bool between_steps() const { return step_ == Step::authenticate; }
  bool failed() const { return failed_; }
  // Why the last login failed, for the log; never told to the client.
  const std::string& failure() const { return failure_; }
  const PrincipalPtr& principal() const { return principal_; }  // null before the first login
  bool expired() const { return principal_ && expires_ms_ > 0 && services_.clock.wall_ms() >= expires_ms_; }

 private:
  enum class Step { handshake, authenticate };
  gen::kafka_protocol::SaslAuthenticateResponse accept(const iam::KafkaLogin::Session& session);
  gen::kafka_protocol::SaslAuthenticateResponse refuse(int16_t error, const std::string& text,
                                                       const std::string& reason);
  gen::kafka_protocol::SaslAuthenticateResponse deny(const std::string& reason);

  Services services_;
  Step step_ = Step::handshake;
  std::string mechanism_;
  PrincipalPtr principal_;
  int64_t expires_ms_ = 0;
  bool failed_ = false;
  std::string failure_;
};

// The token of an initial client response of RFC 7628; empty if it is not one.
std::string oauth_bearer_token(std::string_view message);

}  // namespace mekong::kafka
