// Kafka logins by IAM: both are pre-signed GETs for kafka-cluster:Connect, checked as strictly as any
// request. A payload may be used again until it expires (clients cache their token over connections), never
// after, and never at a listener of another name.
#pragma once
#include "iam/authenticator.h"
#include "iam/verifier.h"

namespace mekong::iam {

class IamKafkaLogin final : public KafkaLogin {
 public:
  IamKafkaLogin(const Verifier& verifier, os::Clock& clock) : verifier_(verifier), clock_(clock) {}
  // Every failure is "AccessDenied", its message for the log only. A host name that spells a region must be
  // of the region signed for; the face compares Session::region with its cluster's.
  Result<Session> aws_msk_iam(std::string_view payload_json,
                              const std::vector<std::string>& listener_names) const override;
  Result<Session> oauthbearer(std::string_view token) const override;

 private:
  Result<Session> verify(const sigv4::Pairs& query, const std::string& host) const;

  const Verifier& verifier_;
  os::Clock& clock_;
};

}  // namespace mekong::iam
