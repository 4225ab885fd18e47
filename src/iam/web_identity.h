// OpenID Connect tokens, verified with the keys that their issuer publishes:
// https://openid.net/specs/openid-connect-core-1_0.html section 3.1.3.7, RFC 7515, RFC 7517.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"
#include "base/result.h"
#include "iam/directory.h"
#include "os/clock.h"

namespace mekong::iam {

struct WebIdentity {
  IdentityProviderPtr provider;
  std::string subject, audience;
  ConditionContext keys;                    // "<issuer>:sub", ":aud" …, for trust policies
  std::map<std::string, std::string> tags;  // of the claim https://aws.amazon.com/tags
  std::vector<std::string> transitive_tags;
  std::string source_identity;  // of the claim https://aws.amazon.com/source_identity
};

class WebIdentities {
 public:
  // The body at an https URL of the provider. Blocks.
  using Fetch = std::function<Result<std::string>(const IdentityProvider& provider, const std::string& url)>;
  WebIdentities(const Directory& directory, os::Clock& clock, Fetch fetch)
      : directory_(directory), clock_(clock), fetch_(std::move(fetch)) {}

  // Of a provider of `account`. RS256/384/512 and ES256/384. Keys are kept for an hour, and asked for anew
  // where a token names one that is not known. Errors: "InvalidIdentityToken", "ExpiredTokenException",
  // "IDPCommunicationError".
  Result<WebIdentity> verify(const AccountId& account, std::string_view token) const;

 private:
  struct Keys {
    std::string jwks;
    int64_t fetched_ms = 0;
  };
  Result<std::string> keys_of(const IdentityProvider& provider, bool anew) const;
  Status check_signature(const IdentityProvider& provider, std::string_view token, std::string_view algorithm,
                         std::string_view key_id) const;

  const Directory& directory_;
  os::Clock& clock_;
  Fetch fetch_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Keys> keys_;  // by issuer
};

}  // namespace mekong::iam
