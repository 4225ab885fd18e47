#include "kafka/sasl.h"

#include <algorithm>

#include "kafka/errors.h"

namespace mekong::kafka {

namespace {

namespace proto = gen::kafka_protocol;

constexpr std::string_view kIam = "AWS_MSK_IAM";
constexpr std::string_view kOauth = "OAUTHBEARER";

}  // namespace

std::string oauth_bearer_token(std::string_view message) {
  constexpr std::string_view field =
      "\x01"
      "auth=Bearer ";
  if (!message.starts_with("n,")) return {};
  auto at = message.find(field);
  if (at == std::string_view::npos) return {};
  auto token = message.substr(at + field.size());
  return std::string(token.substr(0, token.find('\x01')));
}

proto::SaslHandshakeResponse SaslSession::handshake(const proto::SaslHandshakeRequest& request,
                                                    int16_t version) {
  proto::SaslHandshakeResponse response;
  response.mechanisms = {std::string(kIam), std::string(kOauth)};
  if (version == 0) {
    // Version 0 goes on with bare tokens instead of SaslAuthenticate; it is listed only because librdkafka
    // takes its absence for a broker without SASL.
    response.error_code = UNSUPPORTED_VERSION;
  } else if (request.mechanism != kIam && request.mechanism != kOauth) {
    response.error_code = UNSUPPORTED_SASL_MECHANISM;
  } else if (principal_ && request.mechanism != mechanism_) {
    response.error_code = ILLEGAL_SASL_STATE;
  }
  if (response.error_code != NONE) {
    failed_ = true;
    failure_ = "handshake for " + request.mechanism.substr(0, 64);
    return response;
  }
  mechanism_ = request.mechanism;
  step_ = Step::authenticate;
  return response;
}

proto::SaslAuthenticateResponse SaslSession::refuse(int16_t error, const std::string& text,
                                                    const std::string& reason) {
  failed_ = true;
  failure_ = reason;
  proto::SaslAuthenticateResponse response;
  response.error_code = error;
  response.error_message = text;
  return response;
}

proto::SaslAuthenticateResponse SaslSession::deny(const std::string& reason) {
  return refuse(SASL_AUTHENTICATION_FAILED, "[" + services_.random.uuid() + "]: Access denied", reason);
}

proto::SaslAuthenticateResponse SaslSession::authenticate(const proto::SaslAuthenticateRequest& request) {
  if (step_ != Step::authenticate) {
    return refuse(ILLEGAL_SASL_STATE, "SaslHandshake must come first.", "authenticate without a handshake");
  }
  if (mechanism_ == kIam) {
    auto session = services_.login.aws_msk_iam(request.auth_bytes, services_.listener_names);
    if (!session.ok()) return deny(session.error().code + ": " + session.error().message);
    return accept(*session);
  }
  // RFC 7628 3.2.2 would tell why in a challenge first; some clients take that for success (decision 0071).
  auto session = services_.login.oauthbearer(oauth_bearer_token(request.auth_bytes));
  if (!session.ok()) return deny(session.error().code + ": " + session.error().message);
  return accept(*session);
}

proto::SaslAuthenticateResponse SaslSession::accept(const iam::KafkaLogin::Session& session) {
  if (principal_ && principal_->arn != session.principal->arn) {
    return refuse(SASL_AUTHENTICATION_FAILED, "Cannot change principals during re-authentication",
                  "re-authentication from " + principal_->arn + " as " + session.principal->arn);
  }
  if (session.region != services_.region) {
    return deny("signed for " + session.region.value + ", the cluster is in " + services_.region.value);
  }
  if (!services_.may_connect(*session.principal)) {
    return deny(session.principal->arn + " is not allowed kafka-cluster:Connect");
  }
  principal_ = session.principal;
  int64_t now = services_.clock.wall_ms();
  int64_t lifetime = session.expires_ms == 0 ? services_.session_max_ms
                                             : std::min(session.expires_ms - now, services_.session_max_ms);
  expires_ms_ = now + lifetime;
  step_ = Step::handshake;
  proto::SaslAuthenticateResponse response;
  response.error_message.reset();
  response.session_lifetime_ms = lifetime;
  if (mechanism_ == kIam) {
    // Exactly these two members: the Java client's mapper refuses others.
    response.auth_bytes = R"({"version":"2020_10_22","request-id":")" + services_.random.uuid() + R"("})";
  }
  return response;
}

}  // namespace mekong::kafka
