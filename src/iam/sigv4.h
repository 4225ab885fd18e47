// SigV4 as pure functions: canonical request, string to sign, key derivation.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mekong::iam::sigv4 {

inline constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

using Pairs = std::vector<std::pair<std::string, std::string>>;

// S3 signs the key as it is, encoded once; all others sign the path without dot segments, encoded once more.
enum class PathRule { s3, normalised };
std::optional<std::string> canonical_path(std::string_view raw_path, PathRule rule);
// Sorted by encoded name, then value. Parameters in `without` are left out (exact names).
std::string canonical_query(const Pairs& query, const std::vector<std::string_view>& without);

struct CanonicalRequest {
  std::string_view method;
  std::string path, query;          // canonical
  std::string headers;              // "name:value\n" each, sorted
  std::string signed_headers;       // "host;x-amz-date"
  std::string_view payload_sha256;  // hex, or one of the literals
};
std::string canonical_request(const CanonicalRequest& request);
// Trimmed, inner runs of spaces collapsed, equal names joined by ','. None when a listed header is missing.
std::optional<std::string> canonical_headers(const Pairs& headers, const std::vector<std::string>& names);

// "AKID/20260102/us-east-1/s3/aws4_request"
struct Credential {
  std::string access_key_id, date, region, service;
  std::string scope() const { return date + "/" + region + "/" + service + "/aws4_request"; }
};
std::optional<Credential> parse_credential(std::string_view text);

std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical_request);
std::string signing_key(std::string_view secret, const Credential& credential);  // 32 raw bytes
std::vector<std::string> split(std::string_view text, char separator);

}  // namespace mekong::iam::sigv4
