#include "policy/values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

#include "policy/context.h"

namespace mekong::policy {
namespace {

constexpr double seconds_max = 253402300799;  // the end of the year 9999

struct Address {
  int bits = 0;  // 32 or 128
  std::array<unsigned char, 16> bytes{};
};

std::optional<Address> parse_address(std::string_view text) {
  Address address;
  std::array<char, INET6_ADDRSTRLEN> copy{};  // ended by a zero, as inet_pton wants it
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, copy.begin());
  if (inet_pton(AF_INET, copy.data(), address.bytes.data()) == 1) {
    address.bits = 32;
    return address;
  }
  if (inet_pton(AF_INET6, copy.data(), address.bytes.data()) != 1) return std::nullopt;
  address.bits = 128;
  constexpr std::array<unsigned char, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(mapped.begin(), mapped.end(), address.bytes.begin())) {
    std::copy(address.bytes.begin() + 12, address.bytes.end(), address.bytes.begin());
    address.bits = 32;
  }
  return address;
}

struct Range {
  Address address;
  int prefix = 0;
};

std::optional<Range> parse_range(std::string_view text) {
  const size_t slash = text.find('/');
  auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  Range range{*address, address->bits};
  if (slash == std::string_view::npos) return range;
  text.remove_prefix(slash + 1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), range.prefix);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (range.prefix < 0 || range.prefix > address->bits) return std::nullopt;
  return range;
}

// Takes exactly `digits` decimal digits from the front.
std::optional<int> take_digits(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// "", "Z" or "+hh:mm": the offset to take away.
std::optional<int64_t> parse_zone_ms(std::string_view text) {
  if (text.empty() || text == "Z") return 0;
  const bool minus = text.front() == '-';
  if (!minus && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  auto hours = take_digits(text, 2);
  take(text, ':');
  auto minutes = take_digits(text, 2);
  if (!hours || !minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  const int64_t ms = (*hours * 60 + *minutes) * int64_t{60'000};
  return minus ? -ms : ms;
}

std::optional<int64_t> parse_time_ms(std::string_view& text) {
  auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  auto minute = take_digits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int64_t ms = (*hour * 60 + *minute) * int64_t{60'000};
  if (!take(text, ':')) return ms;
  auto second = take_digits(text, 2);
  if (!second || *second > 60) return std::nullopt;
  ms += *second * 1000;
  if (!take(text, '.')) return ms;
  int64_t unit = 100;
  while (auto digit = take_digits(text, 1)) {
    ms += *digit * unit;
    unit /= 10;
  }
  return ms;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;  // "inf" and "nan" are numbers to from_chars
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  if (same_letters(text, "true")) return true;
  if (same_letters(text, "false")) return false;
  return std::nullopt;
}

std::optional<int64_t> parse_date_ms(std::string_view text) {
  using namespace std::chrono;
  std::string_view rest = text;
  auto y = take_digits(rest, 4);
  if (!y || !take(rest, '-')) {
    auto seconds = parse_number(text);
    if (!seconds || std::abs(*seconds) > seconds_max) return std::nullopt;
    return static_cast<int64_t>(*seconds * 1000);
  }
  auto m = take_digits(rest, 2);
  if (!m || !take(rest, '-')) return std::nullopt;
  auto d = take_digits(rest, 2);
  if (!d) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  const int64_t days_ms = duration_cast<milliseconds>(sys_days(date).time_since_epoch()).count();
  if (rest.empty()) return days_ms;
  if (!take(rest, 'T')) return std::nullopt;
  auto time_ms = parse_time_ms(rest);
  auto zone_ms = parse_zone_ms(rest);
  if (!time_ms || !zone_ms) return std::nullopt;
  return days_ms + *time_ms - *zone_ms;
}

bool valid_ip_range(std::string_view range) {
  return parse_range(range).has_value();
}

bool ip_in_range(std::string_view address_text, std::string_view range_text) {
  auto address = parse_address(address_text);
  auto range = parse_range(range_text);
  if (!address || !range || address->bits != range->address.bits) return false;
  for (int bit = 0; bit < range->prefix; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    const auto byte = static_cast<size_t>(bit / 8);
    if ((address->bytes[byte] & mask) != (range->address.bytes[byte] & mask)) return false;
  }
  return true;
}

}  // namespace mekong::policy
