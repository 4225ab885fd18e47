#include "codec/cbor.h"

#include <bit>
#include <cmath>
#include <limits>

#include "codec/text.h"

namespace mekong::codec {
namespace {

constexpr int kDepthMax = 256;
constexpr uint8_t kIndefinite = 31;
constexpr uint8_t kUnsigned = 0, kNegative = 1, kBytes = 2, kText = 3, kArray = 4, kMap = 5, kTag = 6,
                  kSimple = 7;

double half_to_double(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const double mantissa = half & 1023;
  double value = 0;
  if (exponent == 0) {
    value = std::ldexp(mantissa, -24);
  } else if (exponent == 31) {
    value =
        mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else {
    value = std::ldexp(mantissa + 1024, exponent - 25);
  }
  return (half & 0x8000) != 0 ? -value : value;
}

}  // namespace

std::string_view CborReader::take(uint64_t bytes) {
  if (failed_ || bytes > data_.size() - position_) {
    failed_ = true;
    return {};
  }
  auto out = data_.substr(position_, bytes);
  position_ += bytes;
  return out;
}

CborReader::Head CborReader::head() {
  Head out;
  auto first = take(1);
  if (failed_) return out;
  const auto byte = static_cast<uint8_t>(first[0]);
  out.major = byte >> 5;
  out.info = byte & 31;
  if (out.info < 24) {
    out.argument = out.info;
  } else if (out.info < 28) {
    for (char c : take(uint64_t{1} << (out.info - 24)))
      out.argument = out.argument << 8 | static_cast<uint8_t>(c);
  } else if (out.info != kIndefinite || out.major < kBytes || out.major == kTag) {
    failed_ = true;
  }
  return out;
}

CborReader::Head CborReader::peek_head() {
  const size_t start = position_;
  auto out = head();
  position_ = start;
  return out;
}

void CborReader::skip_tags() {
  while (!failed_ && position_ < data_.size() && static_cast<uint8_t>(data_[position_]) >> 5 == kTag) head();
}

CborReader::Kind CborReader::kind() {
  skip_tags();
  if (failed_ || at_end()) return failed_ ? Kind::bad : Kind::end;
  const auto next = peek_head();
  if (failed_) return Kind::bad;
  switch (next.major) {
    case kUnsigned:
    case kNegative:
      return Kind::integer;
    case kBytes:
      return Kind::bytes;
    case kText:
      return Kind::text;
    case kArray:
      return Kind::array;
    case kMap:
      return Kind::map;
    default:
      break;
  }
  if (next.info == 20 || next.info == 21) return Kind::boolean;
  if (next.info == 22 || next.info == 23) return Kind::null;
  if (next.info >= 25 && next.info <= 27) return Kind::real;
  return next.info == kIndefinite ? Kind::end : Kind::bad;
}

int64_t CborReader::integer() {
  skip_tags();
  const auto next = head();
  const bool fits = next.argument <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (failed_ || next.major > kNegative || !fits) {
    failed_ = true;
    return 0;
  }
  const auto value = static_cast<int64_t>(next.argument);
  return next.major == kUnsigned ? value : -1 - value;
}

double CborReader::real() {
  skip_tags();
  const auto next = head();
  if (failed_) return 0;
  if (next.major == kUnsigned) return static_cast<double>(next.argument);
  if (next.major == kNegative) return -1.0 - static_cast<double>(next.argument);
  if (next.major == kSimple && next.info == 25) return half_to_double(static_cast<uint16_t>(next.argument));
  if (next.major == kSimple && next.info == 26)
    return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(next.argument)));
  if (next.major == kSimple && next.info == 27) return std::bit_cast<double>(next.argument);
  failed_ = true;
  return 0;
}

bool CborReader::boolean() {
  skip_tags();
  const auto next = head();
  if (next.major != kSimple || (next.info != 20 && next.info != 21)) failed_ = true;
  return !failed_ && next.info == 21;
}

void CborReader::null() {
  skip_tags();
  const auto next = head();
  if (next.major != kSimple || (next.info != 22 && next.info != 23)) failed_ = true;
}

void CborReader::joined(uint8_t major, std::string& out) {
  out.clear();
  while (!failed_) {
    const auto chunk = head();
    if (chunk.major == kSimple && chunk.info == kIndefinite) return;
    if (chunk.major != major || chunk.info == kIndefinite) failed_ = true;
    out += take(chunk.argument);
  }
}

std::string_view CborReader::text() {
  skip_tags();
  const auto next = head();
  if (next.major != kText) failed_ = true;
  if (failed_) return {};
  std::string_view out;
  if (next.info == kIndefinite) {
    joined(kText, buffer_);
    out = buffer_;
  } else {
    out = take(next.argument);
  }
  if (!valid_utf8(out)) failed_ = true;
  return failed_ ? std::string_view() : out;
}

void CborReader::bytes(std::string& out) {
  skip_tags();
  const auto next = head();
  if (next.major != kBytes) failed_ = true;
  if (failed_) return;
  if (next.info == kIndefinite) return joined(kBytes, out);
  out.assign(take(next.argument));
}

CborReader::Items CborReader::open(Kind array_or_map) {
  skip_tags();
  const auto next = head();
  if (next.major != (array_or_map == Kind::array ? kArray : kMap) || ++depth_ > kDepthMax) failed_ = true;
  if (failed_) return {};
  return {next.info == kIndefinite ? 0 : next.argument, next.info == kIndefinite};
}

bool CborReader::more(Items& items) {
  if (failed_) return false;
  bool any = false;
  if (items.indefinite) {
    const auto next = peek_head();
    any = next.major != kSimple || next.info != kIndefinite;
    if (!any) ++position_;
  } else {
    any = items.left > 0;
    if (any) --items.left;
  }
  if (!any) --depth_;
  return any && !failed_;
}

void CborReader::skip() {
  skip_tags();
  const auto next = head();
  if (failed_) return;
  if (next.major == kBytes || next.major == kText) {
    if (next.info != kIndefinite) {
      take(next.argument);
      return;
    }
    std::string dropped;
    return joined(next.major, dropped);
  }
  if (next.major == kSimple && next.info == kIndefinite) failed_ = true;  // an end where a value must be
  if (next.major != kArray && next.major != kMap) return;
  if (++depth_ > kDepthMax) failed_ = true;
  Items items{next.info == kIndefinite ? 0 : next.argument, next.info == kIndefinite};
  while (more(items)) {
    skip();
    if (next.major == kMap) skip();
  }
}

std::string_view CborReader::raw() {
  const size_t start = position_;
  skip();
  return failed_ ? std::string_view() : data_.substr(start, position_ - start);
}

void CborWriter::head(uint8_t major, uint64_t argument) {
  int bytes = argument < 24 ? 0 : argument < 256 ? 1 : argument < 65536 ? 2 : argument >> 32 == 0 ? 4 : 8;
  const uint8_t info = bytes == 0 ? static_cast<uint8_t>(argument)
                                  : static_cast<uint8_t>(24 + std::countr_zero(static_cast<unsigned>(bytes)));
  out_ += static_cast<char>(major << 5 | info);
  while (bytes-- > 0) out_ += static_cast<char>(argument >> (8 * bytes) & 255);
}

void CborWriter::integer(int64_t value) {
  if (value >= 0) return head(kUnsigned, static_cast<uint64_t>(value));
  head(kNegative, static_cast<uint64_t>(-1 - value));
}

void CborWriter::real(double value) {
  out_ += static_cast<char>(0xfb);
  const auto bits = std::bit_cast<uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) out_ += static_cast<char>(bits >> shift & 255);
}

void CborWriter::real(float value) {
  out_ += static_cast<char>(0xfa);
  const auto bits = std::bit_cast<uint32_t>(value);
  for (int shift = 24; shift >= 0; shift -= 8) out_ += static_cast<char>(bits >> shift & 255);
}

void CborWriter::text(std::string_view value) {
  head(kText, value.size());
  out_ += value;
}

void CborWriter::bytes(std::string_view value) {
  head(kBytes, value.size());
  out_ += value;
}

}  // namespace mekong::codec
