// Turns signatures into principals. SigV4:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/authoriser.h"
#include "base/ids.h"
#include "base/result.h"
#include "codec/hash.h"

namespace mekong::iam {

// What of an HTTP request is signed. Header names lower case, in order of arrival; values as received.
struct SignedRequest {
  std::string_view method;
  std::string_view raw_path;   // before '?', still encoded
  std::string_view raw_query;  // after '?', still encoded; empty if none
  const std::vector<std::pair<std::string, std::string>>& headers;
  // Hex SHA-256 of the body. Only S3's clients announce it in x-amz-content-sha256; where that header is
  // absent the signature covers this value, so the body must be read first (see body_needed_first). Empty: no
  // body.
  std::string_view body_sha256 = {};
};

// True where the signature cannot be checked before the body's hash is known: signed by header and no
// x-amz-content-sha256.
bool body_needed_first(const SignedRequest& request);

enum class BodySignature {
  sha256,            // body_sha256 must equal the body's hash
  unsigned_payload,  // UNSIGNED-PAYLOAD
  signed_chunks,     // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
  signed_chunks_trailer,
  unsigned_chunks_trailer,  // STREAMING-UNSIGNED-PAYLOAD-TRAILER
  signed_events,            // STREAMING-AWS4-HMAC-SHA256-EVENTS
};

// What a verified request carries on: who, and how to check its body.
struct Authentication {
  PrincipalPtr principal;
  Region region;        // of the credential scope
  std::string service;  // of the credential scope, e.g. "s3", "kafka-cluster"
  BodySignature body = BodySignature::sha256;
  codec::Sha256Hex body_sha256{};  // for sha256
  int64_t signed_ms = 0;           // the moment that was signed; 0: unsigned
  // Of signed chunks and events only:
  std::string signing_key;     // raw bytes; never logged
  std::string seed_signature;  // hex, first link of the chain
  std::string amz_date;        // yyyymmddThhmmssZ
  std::string scope;           // date/region/service/aws4_request
  // For signed_events alone, whose stream may outlast its day: the signing key of another (yyyymmdd).
  std::function<std::string(std::string_view day)> key_of_day;
  bool presigned = false;  // by the query
  bool form = false;       // by a form's fields
};

// What of a browser's form is signed: its policy document, as it came (base64).
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
struct SignedForm {
  std::string_view policy, algorithm, credential, date, security_token, signature;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Verifies everything but the body. Errors in the words of the services: "SignatureDoesNotMatch",
  // "InvalidClientTokenId", "MissingAuthenticationToken", "RequestExpired"/"RequestTimeTooSkewed",
  // "ExpiredToken", "InvalidAccessKeyId" … the face renames those that its service spells otherwise. A
  // request without any authentication yields an anonymous principal only where `allow_anonymous`.
  virtual Result<Authentication> authenticate(const SignedRequest& request, bool allow_anonymous) const = 0;
  // Who signed the policy; what it allows is the face's to check. Errors: as above, and "InvalidArgument" for
  // a field that is missing or wrong.
  virtual Result<Authentication> authenticate_form(const SignedForm&) const {
    return Error{"NotImplemented", "forms are not taken here", 501};
  }
};

// One link of the chunk chain (aws-chunked uploads); returns the expected signature as hex.
std::string chunk_signature(const Authentication& auth, std::string_view previous_signature,
                            std::string_view chunk_sha256_hex);
std::string trailer_signature(const Authentication& auth, std::string_view previous_signature,
                              std::string_view trailer_sha256_hex);

// The same chain over the frames of an event stream; each has a time of its own, and is signed with its own
// day's key, of its own day's scope. `headers_sha256_hex`: of the
// frame's encoded headers without the signature's.
std::string event_signature(const Authentication& auth, std::string_view amz_date,
                            std::string_view previous_signature, std::string_view headers_sha256_hex,
                            std::string_view payload_sha256_hex);

// Kafka logins (contracts section 2). `listener_names`: host names this listener owns.
class KafkaLogin {
 public:
  virtual ~KafkaLogin() = default;
  struct Session {
    PrincipalPtr principal;
    Region region;
    int64_t expires_ms = 0;  // wall clock: when the session must re-authenticate
  };
  virtual Result<Session> aws_msk_iam(std::string_view payload_json,
                                      const std::vector<std::string>& listener_names) const = 0;
  virtual Result<Session> oauthbearer(std::string_view token) const = 0;
};

// Temporary credentials, made for AssumeRole callers and for jobs.
struct SessionCredentials {
  std::string access_key_id, secret_access_key, session_token;
  int64_t expires_ms = 0;  // wall clock
  PrincipalPtr principal;
};

// A service that acts for a role, and what of whom it acts for: the trust policy sees `source_arn` as
// aws:SourceArn and its account as aws:SourceAccount, so that a role serves only those it means to.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
struct ServiceCaller {
  std::string_view service_principal;  // "emr-serverless.amazonaws.com"
  std::string_view session_name;
  std::string_view source_arn;
};

class RoleSessions {
 public:
  virtual ~RoleSessions() = default;
  // The role's trust policy must allow the service. Errors: "AccessDenied", "NoSuchEntity".
  virtual Result<SessionCredentials> assume_for_service(std::string_view role_arn,
                                                        const ServiceCaller& caller, int64_t duration_s) = 0;
};

}  // namespace mekong::iam
