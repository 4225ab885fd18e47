// SigV4 verification of HTTP requests and of the pre-signed payloads of Kafka logins.
//
// Clock skew: 15 minutes for s3, 5 for every other service, as AWS. Canonical path: s3 encodes once, the
// others normalise and encode twice. In a header-signed request host and every x-amz-* header present must be
// signed. The identity comes from the place whose signature was checked; both places used at once is refused.
#pragma once
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "iam/authenticator.h"
#include "iam/callers.h"
#include "iam/directory.h"
#include "iam/sessions.h"
#include "iam/sigv4.h"
#include "iam/usage.h"

namespace mekong::iam {

// Derived keys by secret and scope: saves four of five HMACs. Bounded: emptied when full.
class SigningKeys {
 public:
  codec::Sha256 get(std::string_view secret, const sigv4::Credential& credential) const;

 private:
  mutable std::mutex mutex_;
  mutable TextMap<codec::Sha256> keys_;
};

// A query string that carries its own signature, decoded.
struct PresignedQuery {
  std::string_view method, canonical_path;
  const sigv4::Pairs& query;
  const sigv4::Pairs& headers;  // lower case; of them the signed ones
  std::string_view payload_sha256;
  int64_t expires_s_max = 604800;
  std::vector<std::string_view> unsigned_parameters = {};  // besides X-Amz-Signature
};

class Verifier final : public Authenticator {
 public:
  struct Config {
    bool well_known_test_pair = false;  // test/test is the first account's root; loopback only, app's duty
  };
  Verifier(const Directory& directory, const Sessions& sessions, Usage& usage, os::Clock& clock,
           Config config)
      : directory_(directory),
        callers_(directory, sessions, clock),
        usage_(usage),
        clock_(clock),
        config_(config) {}

  Result<Authentication> authenticate(const SignedRequest& request, bool allow_anonymous) const override;
  Result<Authentication> authenticate_form(const SignedForm& form) const override;
  // Also for Kafka logins. `expires_ms`: when the signature itself ends.
  struct Presigned {
    Authentication authentication;
    int64_t expires_ms = 0;
  };
  Result<Presigned> verify_presigned(const PresignedQuery& request) const;

 private:
  Result<CallerPtr> find_caller(const sigv4::Credential& credential, std::string_view token) const;
  // The key, if `given` is the signature under it. Errors: "SignatureDoesNotMatch".
  Result<codec::Sha256> check_signature(const Caller& caller, const sigv4::Credential& credential,
                                        std::string_view amz_date, const sigv4::CanonicalRequest& request,
                                        std::string_view given) const;
  Result<Authentication> by_header(const SignedRequest& request, std::string_view authorization) const;
  Result<Authentication> by_query(const SignedRequest& request, const sigv4::Pairs& query) const;
  Status check_skew(int64_t signed_ms, const sigv4::Credential& credential) const;

  const Directory& directory_;
  Callers callers_;
  Usage& usage_;
  os::Clock& clock_;
  Config config_;
  SigningKeys signing_keys_;
};

}  // namespace mekong::iam
