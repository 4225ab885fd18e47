// SigV4 as pure functions: canonical request, string to sign, key derivation.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/hash.h"

namespace mekong::iam::sigv4 {

inline constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

using Pairs = std::vector<std::pair<std::string, std::string>>;

// S3 signs the key as it is, encoded once; all others sign the path without dot segments, encoded once more.
// What needs no change is not copied into `made`.
enum class PathRule { s3, normalised };
std::optional<std::string_view> canonical_path(std::string_view raw_path, PathRule rule, std::string& made);
// Sorted by encoded name, then value. Parameters in `without` are left out (exact names).
std::string canonical_query(const Pairs& query, const std::vector<std::string_view>& without);

// The names of a list like "host;x-amz-date", in its order.
using Names = std::pmr::vector<std::string_view>;
void split_names(std::string_view list, Names& out);

struct CanonicalRequest {
  std::string_view method;
  std::string_view path, query;  // canonical
  const Pairs& headers;          // as received, lower case
  std::string_view signed_headers;
  const Names& names;               // the same, split
  std::string_view payload_sha256;  // hex, or one of the literals
};
// Appends to `out`. Headers are trimmed, inner runs of spaces collapsed, equal names joined by ','. False: a
// signed header is missing.
bool canonical_request(const CanonicalRequest& request, std::pmr::string& out);

// "AKID/20260102/us-east-1/s3/aws4_request": views of the text that was parsed. `scope_text`: all behind the
// key, where there was a text; scope() is put together.
struct Credential {
  std::string_view access_key_id = {}, date = {}, region = {}, service = {}, scope_text = {};
  std::string scope() const;
};
std::optional<Credential> parse_credential(std::string_view text);

codec::Sha256Hex signature(std::string_view key, std::string_view amz_date, std::string_view scope,
                           std::string_view canonical_request);
std::string signing_key(std::string_view secret, const Credential& credential);  // 32 raw bytes

}  // namespace mekong::iam::sigv4
