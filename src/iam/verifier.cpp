#include "iam/verifier.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory_resource>

#include "codec/hash.h"
#include "codec/text.h"
#include "codec/time.h"
#include "iam/crypto.h"

namespace mekong::iam {
namespace {

using sigv4::Credential;
using sigv4::Pairs;

constexpr int64_t skew_s3_ms = 15 * 60'000, skew_ms = 5 * 60'000;
constexpr int64_t form_age_ms_max = 7LL * 24 * 3'600'000;  // as long as a signing key may be used
constexpr size_t signing_keys_max = 10'000;
constexpr std::string_view empty_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const std::string* find(const Pairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return &value;
  }
  return nullptr;
}

size_t count(const Pairs& pairs, std::string_view name) {
  return static_cast<size_t>(
      std::count_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == name; }));
}

Error refused(std::string code, std::string message, int status = 403) {
  return {std::move(code), std::move(message), status};
}

Error incomplete(std::string message) {
  return refused("IncompleteSignature", std::move(message), 400);
}

Error mismatch() {
  return refused(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your AWS "
      "Secret Access Key and signing method. Consult the service documentation for details.");
}

// SigV4a, the multi-region form.
bool asymmetric(std::string_view algorithm) {
  return algorithm.starts_with("AWS4-ECDSA-P256-SHA256");
}

Error asymmetric_not_built() {
  return refused("NotImplemented",
                 "AWS4-ECDSA-P256-SHA256 (SigV4a) is not built: sign with AWS4-HMAC-SHA256.", 501);
}

sigv4::PathRule path_rule(const Credential& credential) {
  return credential.service == "s3" ? sigv4::PathRule::s3 : sigv4::PathRule::normalised;
}

// "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…", as views of it.
struct AuthorizationHeader {
  Credential credential;
  std::string_view signed_headers, signature;
};

Result<AuthorizationHeader> parse_authorization(std::string_view text) {
  if (asymmetric(text)) return asymmetric_not_built();
  if (!text.starts_with(sigv4::algorithm) || text.size() == sigv4::algorithm.size()) {
    return incomplete("Unsupported Authorization type: only AWS4-HMAC-SHA256 is.");
  }
  text.remove_prefix(sigv4::algorithm.size());
  constexpr std::array<std::string_view, 3> names = {"Credential", "SignedHeaders", "Signature"};
  std::array<std::string_view, 3> values;
  std::array<int, 3> times = {};
  bool others = false, last = false;
  while (!last) {
    const size_t comma = text.find(',');
    const std::string_view field = codec::trim(text.substr(0, comma));
    last = comma == std::string_view::npos;
    text.remove_prefix(last ? text.size() : comma + 1);
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) return incomplete("Authorization header has a part without '='.");
    const auto at = static_cast<size_t>(std::ranges::find(names, field.substr(0, equals)) - names.begin());
    if (at == names.size()) {
      others = true;
      continue;
    }
    values[at] = field.substr(equals + 1);
    ++times[at];
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (times[i] != 1)
      return incomplete("Authorization header requires one '" + std::string(names[i]) + "'.");
  }
  const auto credential = sigv4::parse_credential(values[0]);
  if (others || !credential) return incomplete("Credential must have five parts, no more.");
  return AuthorizationHeader{*credential, values[1], values[2]};
}

// The list must be sorted, name no header twice, hold host and all x-amz-* that came along; but the producers
// of Kinesis Video Streams do not sign their session token, which is worth nothing with another key.
Status check_signed_headers(const Pairs& headers, const sigv4::Names& names, const Credential& credential) {
  if (!std::is_sorted(names.begin(), names.end()) ||
      std::adjacent_find(names.begin(), names.end()) != names.end()) {
    return incomplete("SignedHeaders must be sorted and name each header once.");
  }
  auto is_signed = [&](std::string_view name) {
    return std::binary_search(names.begin(), names.end(), name);
  };
  if (!is_signed("host")) return incomplete("'Host' must be a signed header.");
  for (const auto& [name, value] : headers) {
    const bool spared = name == "x-amz-security-token" && credential.service == "kinesisvideo";
    if (name.starts_with("x-amz-") && !is_signed(name) && !spared) {
      return refused("AccessDenied",
                     "There were headers present in the request which were not signed: " + name);
    }
  }
  return ok();
}

BodySignature body_signature(std::string_view payload) {
  if (payload == sigv4::unsigned_payload) return BodySignature::unsigned_payload;
  if (payload == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") return BodySignature::signed_chunks;
  if (payload == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") return BodySignature::signed_chunks_trailer;
  if (payload == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return BodySignature::unsigned_chunks_trailer;
  if (payload == "STREAMING-AWS4-HMAC-SHA256-EVENTS") return BodySignature::signed_events;
  return BodySignature::sha256;
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Status check_payload(std::string_view payload) {
  if (body_signature(payload) != BodySignature::sha256 || is_sha256_hex(payload)) return ok();
  return refused("InvalidRequest", "x-amz-content-sha256 is neither a SHA-256 nor a known literal.", 400);
}

bool is_presigned(std::string_view raw_query) {
  return raw_query.find("X-Amz-") != std::string_view::npos;
}

struct Signer {
  const std::string& key;
  const std::string& scope;
};

std::string link(const Signer& by, std::string_view kind, std::string_view amz_date,
                 std::string_view previous, std::string_view digests) {
  std::string text;
  for (const std::string_view part : {kind, amz_date, std::string_view(by.scope), previous}) {
    text += part;
    text += '\n';
  }
  text += digests;
  return codec::hex_encode(codec::hmac_sha256(by.key, text));
}

// Of bodies that carry signatures of their own, linked to the request's.
bool is_chain(BodySignature body) {
  return body == BodySignature::signed_chunks || body == BodySignature::signed_chunks_trailer ||
         body == BodySignature::signed_events;
}

// What was signed, and by which key: what a verified request goes on with.
struct Proof {
  const Credential& credential;
  std::string_view payload, amz_date;
  int64_t signed_ms;
  std::string_view key = {}, signature = {};
};

Authentication authentication(PrincipalPtr principal, const Proof& proof) {
  Authentication out{.principal = std::move(principal),
                     .region = Region(std::string(proof.credential.region)),
                     .service = std::string(proof.credential.service),
                     .body = body_signature(proof.payload),
                     .signed_ms = proof.signed_ms};
  if (is_sha256_hex(proof.payload)) std::ranges::copy(proof.payload, out.body_sha256.begin());
  if (!is_chain(out.body)) return out;
  out.signing_key = proof.key;
  out.seed_signature = proof.signature;
  out.amz_date = proof.amz_date;
  out.scope = proof.credential.scope_text;
  return out;
}

// Memory for what is built while one signature is checked; most fits.
struct Scratch {
  std::array<std::byte, 4096> room;
  std::pmr::monotonic_buffer_resource memory{room.data(), room.size()};
};

}  // namespace

std::string chunk_signature(const Authentication& auth, std::string_view previous,
                            std::string_view chunk_sha256) {
  return link({auth.signing_key, auth.scope}, "AWS4-HMAC-SHA256-PAYLOAD", auth.amz_date, previous,
              std::string(empty_sha256) + "\n" + std::string(chunk_sha256));
}

std::string trailer_signature(const Authentication& auth, std::string_view previous,
                              std::string_view sha256) {
  return link({auth.signing_key, auth.scope}, "AWS4-HMAC-SHA256-TRAILER", auth.amz_date, previous, sha256);
}

std::string event_signature(const Authentication& auth, std::string_view amz_date, std::string_view previous,
                            std::string_view headers_sha256, std::string_view payload_sha256) {
  const auto digests = std::string(headers_sha256) + "\n" + std::string(payload_sha256);
  const auto day = amz_date.substr(0, amz_date.find('T'));
  if (!auth.key_of_day || auth.scope.starts_with(day))
    return link({auth.signing_key, auth.scope}, "AWS4-HMAC-SHA256-PAYLOAD", amz_date, previous, digests);
  const std::string key = auth.key_of_day(day);
  const std::string scope = std::string(day) + auth.scope.substr(auth.scope.find('/'));
  return link({key, scope}, "AWS4-HMAC-SHA256-PAYLOAD", amz_date, previous, digests);
}

bool body_needed_first(const SignedRequest& request) {
  return find(request.headers, "authorization") != nullptr &&
         find(request.headers, "x-amz-content-sha256") == nullptr;
}

codec::Sha256 SigningKeys::get(std::string_view secret, const Credential& credential) const {
  std::array<std::byte, 512> room;
  std::pmr::monotonic_buffer_resource memory(room.data(), room.size());
  std::pmr::string name(&memory);
  name.reserve(secret.size() + 1 + credential.scope_text.size());
  name.append(secret).append("\n").append(credential.scope_text);
  {
    std::lock_guard lock(mutex_);
    if (auto at = keys_.find(std::string_view(name)); at != keys_.end()) return at->second;
  }
  codec::Sha256 key;
  std::ranges::copy(sigv4::signing_key(secret, credential), key.begin());
  std::lock_guard lock(mutex_);
  if (keys_.size() >= signing_keys_max) keys_.clear();
  keys_.emplace(name, key);
  return key;
}

Result<CallerPtr> Verifier::find_caller(const Credential& credential, std::string_view token) const {
  const std::string_view id = credential.access_key_id;
  const auto unknown = [&] {
    return credential.service == "s3"
               ? refused("InvalidAccessKeyId",
                         "The AWS Access Key Id you provided does not exist in our records.")
               : refused("InvalidClientTokenId", "The security token included in the request is invalid.");
  };
  if (config_.well_known_test_pair && id == "test") {
    const auto accounts = directory_.accounts();
    if (accounts.empty()) return unknown();
    const AccessKey root{.id = std::string(id), .account = accounts.front().id};
    return CallerPtr(std::make_shared<Caller>(Caller{principal_of_key(directory_, root), "test"}));
  }
  if (id.starts_with("ASIA")) {
    if (token.empty()) return unknown();
    return callers_.by_token(id, token);
  }
  auto caller = token.empty() ? callers_.by_key(id) : nullptr;
  if (!caller) return unknown();
  return caller;
}

Result<codec::Sha256> Verifier::check_signature(const Caller& caller, const Credential& credential,
                                                std::string_view amz_date,
                                                const sigv4::CanonicalRequest& request,
                                                std::string_view given) const {
  Scratch scratch;
  std::pmr::string canonical(&scratch.memory);
  canonical.reserve(2048);
  if (!sigv4::canonical_request(request, canonical)) return mismatch();
  const codec::Sha256 key = signing_keys_.get(caller.secret, credential);
  const auto expected = sigv4::signature(codec::view_of(key), amz_date, credential.scope_text, canonical);
  if (!codec::equal_in_constant_time(codec::view_of(expected), given)) return mismatch();
  return key;
}

Status Verifier::check_skew(int64_t signed_ms, const Credential& credential) const {
  const bool s3 = credential.service == "s3";
  const int64_t now_ms = clock_.wall_ms(), limit_ms = s3 ? skew_s3_ms : skew_ms;
  if (signed_ms >= now_ms - limit_ms && signed_ms <= now_ms + limit_ms) return ok();
  if (s3) {
    return refused("RequestTimeTooSkewed",
                   "The difference between the request time and the current time is too large.");
  }
  const std::string at = codec::format_amz_date(signed_ms), now = codec::format_amz_date(now_ms);
  if (signed_ms < now_ms) {
    return refused("SignatureDoesNotMatch",
                   "Signature expired: " + at + " is now earlier than " + now + " - 5 min.");
  }
  return refused("SignatureDoesNotMatch",
                 "Signature not yet current: " + at + " is still later than " + now + " + 5 min.");
}

Result<Authentication> Verifier::authenticate(const SignedRequest& request, bool allow_anonymous) const {
  const std::string* authorization = find(request.headers, "authorization");
  const bool presigned = is_presigned(request.raw_query);
  if (count(request.headers, "authorization") > 1) return incomplete("More than one Authorization header.");
  if (authorization == nullptr && !presigned) {
    if (allow_anonymous) {
      const std::string* payload = find(request.headers, "x-amz-content-sha256");
      const bool trailer =
          payload != nullptr && body_signature(*payload) == BodySignature::unsigned_chunks_trailer;
      return Authentication{
          .principal = std::make_shared<Principal>(),
          .body = trailer ? BodySignature::unsigned_chunks_trailer : BodySignature::unsigned_payload};
    }
    return refused("MissingAuthenticationToken", "Request is missing Authentication Token");
  }
  if (authorization != nullptr && !presigned) return by_header(request, *authorization);
  auto query = codec::parse_query(request.raw_query, true);
  if (!query) return incomplete("The query string has a broken escape.");
  const bool signs_by_query =
      find(*query, "X-Amz-Algorithm") || find(*query, "X-Amz-Signature") || find(*query, "X-Amz-Credential");
  if (authorization != nullptr && signs_by_query) {
    return refused("InvalidArgument", "Only one auth mechanism allowed: header or query.", 400);
  }
  if (authorization != nullptr) return by_header(request, *authorization);
  return by_query(request, *query);
}

Result<Authentication> Verifier::by_header(const SignedRequest& request,
                                           std::string_view authorization) const {
  MEKONG_TRY_ASSIGN(const auto parsed, parse_authorization(authorization));
  const auto& [credential, signed_headers, signature] = parsed;
  const std::string* amz_date = find(request.headers, "x-amz-date");
  if (amz_date == nullptr)
    return incomplete("Authorization header requires existence of an 'X-Amz-Date' header.");
  const auto signed_ms = codec::parse_amz_date(*amz_date);
  if (!signed_ms || !amz_date->starts_with(credential.date)) {
    return incomplete("Date in Credential scope does not match the date of X-Amz-Date.");
  }
  Scratch scratch;
  sigv4::Names names(&scratch.memory);
  sigv4::split_names(signed_headers, names);
  MEKONG_TRY(check_signed_headers(request.headers, names, credential));
  for (const char* once : {"x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}) {
    if (count(request.headers, once) > 1) return incomplete("Header " + std::string(once) + " came twice.");
  }
  const std::string* announced = find(request.headers, "x-amz-content-sha256");
  std::string_view payload = announced != nullptr          ? std::string_view(*announced)
                             : request.body_sha256.empty() ? empty_sha256
                                                           : request.body_sha256;
  MEKONG_TRY(check_payload(payload));
  const std::string* token = find(request.headers, "x-amz-security-token");
  MEKONG_TRY_ASSIGN(const auto caller, find_caller(credential, token ? std::string_view(*token) : ""));
  std::string path_made, query_made;
  const auto path = sigv4::canonical_path(request.raw_path, path_rule(credential), path_made);
  if (!request.raw_query.empty()) {
    const auto query = codec::parse_query(request.raw_query, true);
    if (!query) return mismatch();
    query_made = sigv4::canonical_query(*query, {});
  }
  if (!path) return mismatch();
  MEKONG_TRY_ASSIGN(const auto key, check_signature(*caller, credential, *amz_date,
                                                    {request.method, *path, query_made, request.headers,
                                                     signed_headers, names, payload},
                                                    signature));
  MEKONG_TRY(check_skew(*signed_ms, credential));
  usage_.saw(*caller->principal, credential.service, credential.region);
  auto out = authentication(caller->principal,
                            {credential, payload, *amz_date, *signed_ms, codec::view_of(key), signature});
  if (out.body == BodySignature::signed_events) {
    out.key_of_day = [caller, region = out.region.value, service = out.service](std::string_view day) {
      return sigv4::signing_key(caller->secret, {.date = day, .region = region, .service = service});
    };
  }
  return out;
}

Result<Authentication> Verifier::authenticate_form(const SignedForm& form) const {
  const auto wrong = [](const char* field, std::string_view value) {
    return Error{"InvalidArgument",
                 "Bucket POST must contain a valid field named '" + std::string(field) +
                     "'. If it is specified, please check the order of the fields.",
                 400,
                 {{"ArgumentName", field}, {"ArgumentValue", std::string(value)}}};
  };
  if (form.policy.empty()) return wrong("policy", "");
  if (asymmetric(form.algorithm)) return asymmetric_not_built();
  if (form.algorithm != sigv4::algorithm) return wrong("X-Amz-Algorithm", form.algorithm);
  const auto credential = sigv4::parse_credential(form.credential);
  if (!credential) return wrong("X-Amz-Credential", form.credential);
  const auto signed_ms = codec::parse_amz_date(form.date);
  if (!signed_ms || !form.date.starts_with(credential->date)) return wrong("X-Amz-Date", form.date);
  if (form.signature.empty()) return wrong("X-Amz-Signature", "");
  MEKONG_TRY_ASSIGN(const auto caller, find_caller(*credential, form.security_token));
  const auto key = signing_keys_.get(caller->secret, *credential);
  const auto expected = codec::hex_of(codec::hmac_sha256_digest(codec::view_of(key), form.policy));
  if (!codec::equal_in_constant_time(codec::view_of(expected), form.signature)) return mismatch();
  const int64_t now_ms = clock_.wall_ms();
  if (*signed_ms > now_ms + skew_s3_ms) return refused("AccessDenied", "Request is not valid yet");
  if (now_ms - *signed_ms > form_age_ms_max) return refused("AccessDenied", "Request has expired");
  usage_.saw(*caller->principal, credential->service, credential->region);
  auto out = authentication(caller->principal, {*credential, sigv4::unsigned_payload, form.date, *signed_ms});
  out.form = true;
  return out;
}

Result<Authentication> Verifier::by_query(const SignedRequest& request, const Pairs& query) const {
  const std::string* used = find(query, "X-Amz-Algorithm");
  if (used != nullptr && asymmetric(*used)) return asymmetric_not_built();
  const std::string* scope = find(query, "X-Amz-Credential");
  auto credential = scope ? sigv4::parse_credential(*scope) : std::nullopt;
  if (!credential)
    return refused("AuthorizationQueryParametersError", "X-Amz-Credential is missing or wrong.", 400);
  std::string path_made;
  const auto path = sigv4::canonical_path(request.raw_path, path_rule(*credential), path_made);
  if (!path) return mismatch();
  // S3 never signs the body here unless the client says so in a (signed) header or parameter.
  const std::string* announced = find(request.headers, "x-amz-content-sha256");
  if (announced == nullptr) announced = find(query, "X-Amz-Content-Sha256");
  std::string_view payload = credential->service == "s3" ? sigv4::unsigned_payload : empty_sha256;
  if (announced != nullptr) payload = *announced;
  MEKONG_TRY(check_payload(payload));
  MEKONG_TRY_ASSIGN(auto verified,
                    verify_presigned({request.method, *path, query, request.headers, payload}));
  return std::move(verified.authentication);
}

Result<Verifier::Presigned> Verifier::verify_presigned(const PresignedQuery& request) const {
  auto wrong = [](std::string message) {
    return refused("AuthorizationQueryParametersError", std::move(message), 400);
  };
  for (const char* name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
                           "X-Amz-SignedHeaders", "X-Amz-Signature"}) {
    if (count(request.query, name) != 1)
      return wrong("Query requires exactly one " + std::string(name) + ".");
  }
  if (count(request.query, "X-Amz-Security-Token") > 1) return wrong("X-Amz-Security-Token came twice.");
  auto value = [&](std::string_view name) -> const std::string& { return *find(request.query, name); };
  const auto credential = sigv4::parse_credential(value("X-Amz-Credential"));
  const std::string& amz_date = value("X-Amz-Date");
  const auto signed_ms = codec::parse_amz_date(amz_date);
  if (value("X-Amz-Algorithm") != sigv4::algorithm) return wrong("X-Amz-Algorithm must be AWS4-HMAC-SHA256.");
  if (!credential || !signed_ms || !amz_date.starts_with(credential->date)) {
    return wrong("X-Amz-Credential and X-Amz-Date do not fit.");
  }
  int64_t expires_s = -1;
  const std::string& expires = value("X-Amz-Expires");
  const auto [end, failed] = std::from_chars(expires.data(), expires.data() + expires.size(), expires_s);
  if (failed != std::errc() || end != expires.data() + expires.size() || expires_s < 0 ||
      expires_s > request.expires_s_max) {
    return wrong("X-Amz-Expires must be a number from 0 to " + std::to_string(request.expires_s_max) + ".");
  }
  const std::string& signed_headers = value("X-Amz-SignedHeaders");
  Scratch scratch;
  sigv4::Names names(&scratch.memory);
  sigv4::split_names(signed_headers, names);
  MEKONG_TRY(check_signed_headers(request.headers, names, *credential));
  const std::string* token = find(request.query, "X-Amz-Security-Token");
  MEKONG_TRY_ASSIGN(const auto caller, find_caller(*credential, token ? std::string_view(*token) : ""));
  auto without = request.unsigned_parameters;
  without.emplace_back("X-Amz-Signature");
  const std::string canonical_query = sigv4::canonical_query(request.query, without);
  const std::string& signature = value("X-Amz-Signature");
  MEKONG_TRY_ASSIGN(const auto key,
                    check_signature(*caller, *credential, amz_date,
                                    {request.method, request.canonical_path, canonical_query, request.headers,
                                     signed_headers, names, request.payload_sha256},
                                    signature));
  const int64_t now_ms = clock_.wall_ms(), expires_ms = *signed_ms + expires_s * 1000;
  if (now_ms > expires_ms) return refused("AccessDenied", "Request has expired");
  if (*signed_ms > now_ms + skew_s3_ms) return refused("AccessDenied", "Request is not valid yet");
  usage_.saw(*caller->principal, credential->service, credential->region);
  Presigned out{authentication(caller->principal, {*credential, request.payload_sha256, amz_date, *signed_ms,
                                                   codec::view_of(key), signature}),
                expires_ms};
  out.authentication.presigned = true;
  return out;
}

}  // namespace mekong::iam
