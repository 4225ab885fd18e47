#include "log/stream_sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace mekong::log {
namespace {

constexpr std::string_view head = "49";
constexpr size_t number_digits = 20, shard_digits = 14;
constexpr size_t text_digits = head.size() + 2 * number_digits + shard_digits;

Error invalid(std::string_view text) {
  return {"InvalidSequenceNumber",
          "no sequence number: '" + std::string(text.substr(0, 2 * text_digits)) + "'"};
}

// All of `digits`, and nothing beyond 64 bits.
bool read_digits(std::string_view digits, uint64_t& number) {
  const auto* end = digits.data() + digits.size();
  const auto [rest, failed] = std::from_chars(digits.data(), end, number);
  return failed == std::errc() && rest == end;
}

}  // namespace

std::string SequenceNumber::text() const {
  return fmt::format("{}{:020}{:020}{:014}", head, incarnation, position, shard);
}

Result<SequenceNumber> parse_sequence_number(std::string_view text) {
  SequenceNumber number;
  const bool whole = text.size() == text_digits && text.starts_with(head) &&
                     read_digits(text.substr(head.size(), number_digits), number.incarnation) &&
                     read_digits(text.substr(head.size() + number_digits, number_digits), number.position) &&
                     read_digits(text.substr(head.size() + 2 * number_digits), number.shard);
  if (!whole) return invalid(text);
  return number;
}

Result<int64_t> ShardSequence::offset_of(const SequenceNumber& number) const {
  if (number.incarnation != incarnation) return invalid(number.text());
  if (number.position < base) return 0;
  if (number.shard != shard || number.position - base > static_cast<uint64_t>(INT64_MAX)) {
    return invalid(number.text());
  }
  return static_cast<int64_t>(number.position - base);
}

ShardSequence child_of(std::span<const ShardEnd> parents, uint64_t shard) {
  ShardSequence child{.shard = shard};
  for (const auto& [sequence, end_offset] : parents) {
    child.incarnation = std::max(child.incarnation, sequence.incarnation);
    child.base = std::max(child.base, sequence.base + static_cast<uint64_t>(end_offset));
  }
  return child;
}

}  // namespace mekong::log
