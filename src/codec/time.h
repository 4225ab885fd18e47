// Points in time as the AWS protocols write them. Milliseconds since the epoch, UTC, proleptic Gregorian.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mekong::codec {

std::string format_iso8601(int64_t ms);  // 2026-01-02T03:04:05Z, with .678 where there are milliseconds
std::string format_iso8601_millis(int64_t ms);  // 2026-01-02T03:04:05.678Z always (S3's bodies)
std::string format_rfc822(int64_t ms);          // Fri, 02 Jan 2026 03:04:05 GMT
std::string format_amz_date(int64_t ms);        // 20260102T030405Z
std::string format_epoch_seconds(int64_t ms);   // 1767323045 or 1767323045.678

// With fractions of any length, "Z" or an offset "+07:00".
std::optional<int64_t> parse_iso8601(std::string_view text);
std::optional<int64_t> parse_rfc822(std::string_view text);
std::optional<int64_t> parse_amz_date(std::string_view text);
// "1767323045", "1767323045.678", "1.7e9".
std::optional<int64_t> parse_epoch_seconds(std::string_view text);

}  // namespace mekong::codec
