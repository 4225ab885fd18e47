// The typed values that conditions compare.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace mekong::policy {

std::optional<double> parse_number(std::string_view text);
std::optional<bool> parse_bool(std::string_view text);  // without case
// ISO 8601 ("2026-01-02", "2026-01-02T03:04:05.678Z", "+01:00") or seconds since the epoch.
std::optional<int64_t> parse_date_ms(std::string_view text);
// "10.0.0.0/8", "10.1.2.3", "2001:db8::/32".
bool valid_ip_range(std::string_view range);
bool ip_in_range(std::string_view address, std::string_view range);

}  // namespace mekong::policy
