// The primitive types of Kafka's protocol (https://kafka.apache.org/protocol#protocol_types) as bytes and
// values. Reading never throws and never trusts a length: a bad read sets failed() and yields zeros from then
// on, and what is read is charged against a memory budget, so that a small frame cannot claim large arrays.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mekong::codec {

// 128 bits, written in order; all zero means "none" on the wire.
struct KafkaUuid {
  std::array<uint8_t, 16> bytes{};
  bool operator==(const KafkaUuid&) const = default;
  auto operator<=>(const KafkaUuid&) const = default;
  bool is_zero() const { return *this == KafkaUuid{}; }
};
// Of the text form 8-4-4-4-12; none if it is not one.
std::optional<KafkaUuid> kafka_uuid_of(std::string_view text);
std::string to_text(const KafkaUuid& id);

// `compact` strings, bytes and arrays are those of flexible versions (KIP-482): length + 1 as unsigned
// varint.
class KafkaReader {
 public:
  // `data` must outlive the reader.
  KafkaReader(std::string_view data, size_t memory_budget) : data_(data), budget_(memory_budget) {}

  bool failed() const { return failed_; }
  void fail() { failed_ = true; }
  size_t position() const { return position_; }
  size_t remaining() const { return data_.size() - position_; }
  std::string_view rest() const { return data_.substr(position_); }

  int8_t i8() { return static_cast<int8_t>(big_endian(1)); }
  int16_t i16() { return static_cast<int16_t>(big_endian(2)); }
  uint16_t u16() { return static_cast<uint16_t>(big_endian(2)); }
  int32_t i32() { return static_cast<int32_t>(big_endian(4)); }
  uint32_t u32() { return static_cast<uint32_t>(big_endian(4)); }
  int64_t i64() { return static_cast<int64_t>(big_endian(8)); }
  bool boolean() { return i8() != 0; }
  double f64();
  uint32_t varuint();
  KafkaUuid uuid();

  std::optional<std::string> nullable_string(bool compact);
  std::string string(bool compact);  // null fails
  std::optional<std::string> nullable_bytes(bool compact);
  std::string bytes(bool compact);  // null fails
  // Elements to come, -1 for null. Fails where not even one byte an element is left.
  int64_t array_length(bool compact);

  // Charges memory that the caller is about to use; fails past the budget.
  bool charge(size_t bytes);
  void skip(size_t bytes);
  // A tagged field of `bytes` begins: returns where it must end, to be given to end_field.
  size_t begin_field(uint32_t bytes);
  void end_field(size_t end);

 private:
  uint64_t big_endian(size_t bytes);
  std::string take(size_t bytes);
  std::optional<int64_t> length(bool compact, bool wide);

  std::string_view data_;
  size_t position_ = 0;
  size_t budget_;
  bool failed_ = false;
};

// Record batches in a message: its own, or somebody else's, who keeps them until the message is gone.
class KafkaRecords {
 public:
  KafkaRecords() = default;
  KafkaRecords(std::string own) : own_(std::move(own)) {}
  static KafkaRecords of_another(std::string_view bytes) {
    KafkaRecords records;
    records.another_ = bytes;
    return records;
  }
  operator std::string_view() const { return another_.data() ? another_ : own_; }
  std::string take() { return another_.data() ? std::string(another_) : std::move(own_); }
  bool operator==(const KafkaRecords& other) const {
    return std::string_view(*this) == std::string_view(other);
  }

 private:
  std::string own_;
  std::string_view another_;
};

class KafkaWriter {
 public:
  void i8(int8_t value) { big_endian(static_cast<uint8_t>(value), 1); }
  void i16(int16_t value) { big_endian(static_cast<uint16_t>(value), 2); }
  void u16(uint16_t value) { big_endian(value, 2); }
  void i32(int32_t value) { big_endian(static_cast<uint32_t>(value), 4); }
  void u32(uint32_t value) { big_endian(value, 4); }
  void i64(int64_t value) { big_endian(static_cast<uint64_t>(value), 8); }
  void boolean(bool value) { i8(value ? 1 : 0); }
  void f64(double value);
  void varuint(uint32_t value);
  void uuid(const KafkaUuid& value);
  void string(std::string_view value, bool compact);
  void null_string(bool compact);
  void bytes(std::string_view value, bool compact);
  void null_bytes(bool compact);
  void array_length(int64_t elements, bool compact);  // -1: null
  void raw(std::string_view value) { out_.append(value); }

  // From now on values of bytes() that are as large are not copied, but stand beside what is written: they
  // must stay alive until that is sent.
  void keep_large(size_t bytes_min) { keep_bytes_min_ = bytes_min; }
  struct Kept {
    size_t at = 0;  // before this place of data()
    std::string_view bytes;
  };

  // With what is kept beside.
  size_t size() const { return out_.size() + kept_bytes_; }
  const std::string& data() const { return out_; }
  std::string take() { return std::move(out_); }
  std::vector<Kept> take_kept() { return std::move(kept_); }

 private:
  void big_endian(uint64_t value, size_t bytes);
  std::string out_;
  std::vector<Kept> kept_;
  size_t kept_bytes_ = 0, keep_bytes_min_ = SIZE_MAX;
};

}  // namespace mekong::codec
