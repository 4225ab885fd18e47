#include "codec/kafka_wire.h"

#include <bit>
#include <cstring>

namespace mekong::codec {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

}  // namespace

std::optional<KafkaUuid> kafka_uuid_of(std::string_view text) {
  KafkaUuid id;
  size_t digits = 0;
  for (char c : text) {
    if (c == '-') continue;
    auto value = kHex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c);
    if (value == std::string_view::npos || digits >= 32) return std::nullopt;
    id.bytes[digits / 2] = static_cast<uint8_t>(id.bytes[digits / 2] << 4 | value);
    ++digits;
  }
  if (digits != 32) return std::nullopt;
  return id;
}

std::string to_text(const KafkaUuid& id) {
  std::string text;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[id.bytes[i] >> 4];
    text += kHex[id.bytes[i] & 15];
  }
  return text;
}

uint64_t KafkaReader::big_endian(size_t bytes) {
  if (failed_ || remaining() < bytes) {
    failed_ = true;
    return 0;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(data_[position_ + i]);
  position_ += bytes;
  return value;
}

double KafkaReader::f64() {
  return std::bit_cast<double>(big_endian(8));
}

uint32_t KafkaReader::varuint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    auto byte = static_cast<uint8_t>(big_endian(1));
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      if (value > UINT32_MAX) break;
      return static_cast<uint32_t>(value);
    }
  }
  failed_ = true;
  return 0;
}

KafkaUuid KafkaReader::uuid() {
  KafkaUuid id;
  for (auto& byte : id.bytes) byte = static_cast<uint8_t>(big_endian(1));
  return id;
}

std::optional<int64_t> KafkaReader::length(bool compact, bool wide) {
  int64_t length = 0;
  if (compact) {
    length = static_cast<int64_t>(varuint()) - 1;
  } else {
    length = wide ? i32() : i16();
  }
  if (length < -1 || length > static_cast<int64_t>(remaining())) failed_ = true;
  if (failed_ || length == -1) return std::nullopt;
  return length;
}

std::string KafkaReader::take(size_t bytes) {
  if (!charge(bytes)) return {};
  std::string value(data_.substr(position_, bytes));
  position_ += bytes;
  return value;
}

std::optional<std::string> KafkaReader::nullable_string(bool compact) {
  auto bytes = length(compact, false);
  if (!bytes) return std::nullopt;
  return take(static_cast<size_t>(*bytes));
}

std::string KafkaReader::string(bool compact) {
  auto value = nullable_string(compact);
  if (!value) failed_ = true;
  return std::move(value).value_or(std::string());
}

std::optional<std::string> KafkaReader::nullable_bytes(bool compact) {
  auto bytes = length(compact, true);
  if (!bytes) return std::nullopt;
  return take(static_cast<size_t>(*bytes));
}

std::string KafkaReader::bytes(bool compact) {
  auto value = nullable_bytes(compact);
  if (!value) failed_ = true;
  return std::move(value).value_or(std::string());
}

int64_t KafkaReader::array_length(bool compact) {
  auto elements = length(compact, true);
  return failed_ ? 0 : elements.value_or(-1);
}

bool KafkaReader::charge(size_t bytes) {
  if (bytes > budget_) failed_ = true;
  if (failed_) return false;
  budget_ -= bytes;
  return true;
}

void KafkaReader::skip(size_t bytes) {
  if (bytes > remaining()) failed_ = true;
  if (!failed_) position_ += bytes;
}

size_t KafkaReader::begin_field(uint32_t bytes) {
  if (bytes > remaining()) failed_ = true;
  return position_ + bytes;
}

void KafkaReader::end_field(size_t end) {
  if (position_ != end) failed_ = true;
}

void KafkaWriter::big_endian(uint64_t value, size_t bytes) {
  for (size_t i = bytes; i > 0; --i) out_ += static_cast<char>(value >> (8 * (i - 1)) & 0xff);
}

void KafkaWriter::f64(double value) {
  big_endian(std::bit_cast<uint64_t>(value), 8);
}

void KafkaWriter::varuint(uint32_t value) {
  while (value >= 0x80) {
    out_ += static_cast<char>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  out_ += static_cast<char>(value);
}

void KafkaWriter::uuid(const KafkaUuid& value) {
  out_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

void KafkaWriter::string(std::string_view value, bool compact) {
  if (compact) {
    varuint(static_cast<uint32_t>(value.size() + 1));
  } else {
    i16(static_cast<int16_t>(value.size()));
  }
  out_.append(value);
}

void KafkaWriter::null_string(bool compact) {
  if (compact) return varuint(0);
  i16(-1);
}

void KafkaWriter::bytes(std::string_view value, bool compact) {
  array_length(static_cast<int64_t>(value.size()), compact);
  if (value.size() < keep_bytes_min_) {
    out_.append(value);
    return;
  }
  kept_.push_back({out_.size(), value});
  kept_bytes_ += value.size();
}

void KafkaWriter::null_bytes(bool compact) {
  array_length(-1, compact);
}

void KafkaWriter::array_length(int64_t elements, bool compact) {
  if (compact) return varuint(static_cast<uint32_t>(elements + 1));
  i32(static_cast<int32_t>(elements));
}

}  // namespace mekong::codec
