// Finds where a message of Thrift's strict binary protocol ends, without decoding it: the metastore's clients
// send messages back to back on a plain stream, with no frame around them. Feed bytes as they arrive; each
// byte is looked at once.
//
//   message = 0x8001 00 type(1) · name: len(4) bytes · sequence(4) · struct
//   struct  = { type(1) id(2) value }* 0x00
//   value   = bool,byte 1 · i16 2 · i32 4 · i64,double 8 · string len(4) bytes · struct
//           · map ktype(1) vtype(1) n(4) {key value}* · list,set type(1) n(4) {value}*
// Source: the Thrift project's "Binary protocol encoding".
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mekong::metastore {

class MessageScanner {
 public:
  explicit MessageScanner(size_t bytes_max) : bytes_max_(bytes_max) {}

  // `buffer` holds the message from its first byte; what was given before is at its front again. Returns the
  // message's size, or 0 when more is needed. Errors: "MalformedMessage", "MessageTooLarge". After a message
  // start over with reset().
  Result<size_t> scan(std::string_view buffer);
  void reset();

 private:
  // What is open: a struct, or the elements still to come of a container.
  struct Level {
    uint8_t type = 0;            // 0: a struct's fields
    uint8_t second = 0;          // a map's value type, 0 for lists
    uint64_t elements_left = 0;  // keys and values count apart
  };

  Status step(std::string_view buffer, bool& progress);
  Status head(std::string_view buffer, bool& progress);
  Status value(uint8_t type, std::string_view buffer, bool& progress);
  Status container(uint8_t type, std::string_view buffer, bool& progress);

  size_t bytes_max_;
  size_t at_ = 0;  // everything before is understood; may lie beyond the buffer (a long string)
  bool head_done_ = false;
  bool field_open_ = false;  // a field's type was read, its value not yet
  uint8_t field_type_ = 0;
  bool done_ = false;
  std::vector<Level> levels_;
};

}  // namespace mekong::metastore
