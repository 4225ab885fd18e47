// Bytes as text and back: hex, base64, percent-coding.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mekong::codec {

std::string hex_encode(std::string_view bytes);  // lower case
std::optional<std::string> hex_decode(std::string_view text);

std::string base64_encode(std::string_view bytes);  // RFC 4648, with padding
// Strict: padding is required, nothing else than the alphabet is allowed.
std::optional<std::string> base64_decode(std::string_view text);
bool base64_decode_to(std::string_view text, std::string& out);  // the same; `out` is unspecified on false

// RFC 3986: everything but letters, digits and -._~ becomes %XX; '/' too unless `keep_slash`.
std::string percent_encode(std::string_view text, bool keep_slash = false);
void percent_encode_to(std::string_view text, bool keep_slash, std::string& out);  // the same, appended
// Absent for a '%' without two hex digits. `plus_is_space`: as in forms and query strings.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// The pairs of "a=1&b=&c" in order, decoded; a name without '=' has an empty value. Absent on bad coding.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text,
                                                                            bool plus_is_space);

std::string lower_case(std::string_view text);               // ASCII
bool equal_no_case(std::string_view a, std::string_view b);  // ASCII
std::string_view trim(std::string_view text);                // spaces and tabs
bool valid_utf8(std::string_view text);                      // no surrogates, nothing overlong

}  // namespace mekong::codec
