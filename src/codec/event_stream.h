// Frames of application/vnd.amazon.eventstream, as event streams of AWS services use them in both directions.
// https://smithy.io/2.0/aws/amazon-eventstream.html
//
//   u32 total length | u32 headers length | u32 CRC-32 of these 8 bytes | headers | payload | u32 CRC-32 of
//   all before header: u8 name length | name | u8 type | value        (numbers are big-endian)
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mekong::codec {

struct EventHeader {
  enum class Type : uint8_t {
    yes = 0,
    no = 1,
    i8 = 2,
    i16 = 3,
    i32 = 4,
    i64 = 5,
    bytes = 6,
    string = 7,
    timestamp = 8,
    uuid = 9
  };
  std::string name;
  Type type = Type::string;
  int64_t number = 0;  // integers, and the timestamp's milliseconds
  std::string text;    // bytes, string, uuid (16 raw bytes)
  bool operator==(const EventHeader&) const = default;
};

struct EventMessage {
  std::vector<EventHeader> headers;
  std::string payload;
  // The text of a string header; null where absent or of another type.
  const std::string* header(std::string_view name) const;
};

std::string encode_event(const EventMessage& message);
std::string encode_event_headers(const std::vector<EventHeader>& headers);  // what a signature covers

// Takes bytes as they come and gives whole messages. A message is at most 24 MiB, its headers 128 KiB; its
// length is believed only after the prelude's checksum held. One thread at a time.
class EventDecoder {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // The next message; absent until more is fed. Errors, after which the stream is useless:
  // "InvalidEventStream".
  Result<std::optional<EventMessage>> next();
  bool empty() const { return buffer_.empty(); }  // no part of a message is waiting

 private:
  std::string buffer_;
};

}  // namespace mekong::codec
