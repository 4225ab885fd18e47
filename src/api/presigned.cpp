#include "api/presigned.h"

#include <algorithm>

#include "api/router.h"
#include "codec/text.h"

namespace mekong::api {
namespace {

constexpr std::string_view conditions[] = {"if-match", "if-none-match", "if-modified-since",
                                           "if-unmodified-since"};
// The signature's own, and what S3 takes from headers alone.
constexpr std::string_view staying[] = {
    "x-amz-algorithm", "x-amz-credential",     "x-amz-date",           "x-amz-expires", "x-amz-signedheaders",
    "x-amz-signature", "x-amz-security-token", "x-amz-content-sha256", "x-amz-tagging", "x-amz-target"};
constexpr std::string_view staying_families[] = {"x-amz-checksum-", "x-amz-sdk-", "x-amz-trailer"};

bool is_header(std::string_view name) {
  if (std::ranges::find(conditions, name) != std::end(conditions)) return true;
  return name.starts_with("x-amz-") && std::ranges::find(staying, name) == std::end(staying) &&
         std::ranges::none_of(staying_families, [&](auto family) { return name.starts_with(family); });
}

// RFC 9110 section 5.6.2: "token".
bool is_token(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return letter || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view value) {
  return std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

bool signed_in_query(const RequestHead& head, const Pairs& query) {
  const bool here =
      std::ranges::any_of(query, [](const auto& pair) { return pair.first == "X-Amz-Signature"; });
  return here && scope_service(head, query) == "s3";
}

}  // namespace

Result<std::optional<RequestHead>> with_headers_of_query(const RequestHead& head) {
  std::optional<RequestHead> amended;
  if (head.raw_query.find("X-Amz-Signature=") == std::string::npos) return amended;
  const auto query = codec::parse_query(head.raw_query, true);
  if (!query || !signed_in_query(head, *query)) return amended;
  for (const auto& [name, value] : *query) {
    const std::string lower = codec::lower_case(name);
    if (!is_header(lower)) continue;
    if (!is_token(lower) || has_control(value))
      return Error{"InvalidArgument",
                   "A query parameter is no header.",
                   400,
                   {{"ArgumentName", name}, {"ArgumentValue", value}}};
    if (!amended) amended = head;
    if (find_header(amended->headers, lower) == nullptr)
      amended->headers.emplace_back(lower, std::string(codec::trim(value)));
  }
  return amended;
}

}  // namespace mekong::api
