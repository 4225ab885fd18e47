#include "metastore/message_scanner.h"

namespace mekong::metastore {
namespace {

constexpr size_t depth_max = 64;

enum Type : uint8_t {
  stop = 0,
  boolean = 2,
  byte = 3,
  real = 4,
  i16 = 6,
  i32 = 8,
  i64 = 10,
  text = 11,
  structure = 12,
  map = 13,
  set = 14,
  list = 15
};

uint32_t be32(std::string_view bytes) {
  uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

Error malformed(std::string message) {
  return {"MalformedMessage", std::move(message)};
}

size_t fixed_size(uint8_t type) {
  switch (type) {
    case boolean:
    case byte:
      return 1;
    case i16:
      return 2;
    case i32:
      return 4;
    case i64:
    case real:
      return 8;
    default:
      return 0;
  }
}

// The least bytes a value takes: bounds how many elements a container can claim to have.
bool known(uint8_t type) {
  return fixed_size(type) > 0 || (type >= text && type <= list);
}

}  // namespace

void MessageScanner::reset() {
  *this = MessageScanner(bytes_max_);
}

Result<size_t> MessageScanner::scan(std::string_view buffer) {
  while (!done_) {
    bool progress = false;
    MEKONG_TRY(step(buffer, progress));
    if (at_ > bytes_max_) return Error{"MessageTooLarge", "a message is larger than the limit"};
    if (!progress) return size_t{0};
  }
  return at_ <= buffer.size() ? at_ : size_t{0};
}

Status MessageScanner::step(std::string_view buffer, bool& progress) {
  if (at_ > buffer.size()) return ok();  // inside a long string
  if (!head_done_) return head(buffer, progress);
  Level& level = levels_.back();
  if (level.type != 0) {
    if (level.elements_left == 0) {
      levels_.pop_back();
      progress = true;
      return ok();
    }
    const bool is_value = level.second != 0 && level.elements_left % 2 == 1;
    const uint8_t type = is_value ? level.second : level.type;
    const size_t index = levels_.size() - 1;
    MEKONG_TRY(value(type, buffer, progress));
    if (progress) --levels_[index].elements_left;
    return ok();
  }
  if (field_open_) {
    field_open_ = false;
    MEKONG_TRY(value(field_type_, buffer, progress));
    if (!progress) field_open_ = true;
    return ok();
  }
  if (at_ >= buffer.size()) return ok();
  const auto type = static_cast<uint8_t>(buffer[at_]);
  if (type == stop) {
    at_ += 1;
    levels_.pop_back();
    done_ = levels_.empty();
    progress = true;
    return ok();
  }
  if (!known(type)) return malformed("an unknown field type");
  if (buffer.size() - at_ < 3) return ok();
  at_ += 3;
  field_type_ = type;
  field_open_ = true;
  progress = true;
  return ok();
}

Status MessageScanner::head(std::string_view buffer, bool& progress) {
  if (buffer.size() < 8) return ok();
  const uint32_t kind = be32(buffer) & 0xff;
  if (be32(buffer) >> 16 != 0x8001 || kind < 1 || kind > 4)
    return malformed("no strict binary Thrift message");
  const uint32_t name_bytes = be32(buffer.substr(4));
  if (name_bytes > 256) return malformed("the method's name is too long");
  at_ = 8 + size_t{name_bytes} + 4;
  head_done_ = true;
  levels_.push_back({});
  progress = true;
  return ok();
}

Status MessageScanner::value(uint8_t type, std::string_view buffer, bool& progress) {
  if (const size_t size = fixed_size(type); size > 0) {
    at_ += size;
    progress = true;
    return ok();
  }
  if (type == structure) {
    if (levels_.size() >= depth_max) return malformed("nested too deep");
    levels_.push_back({});
    progress = true;
    return ok();
  }
  if (type != text) return container(type, buffer, progress);
  if (at_ > buffer.size() || buffer.size() - at_ < 4) return ok();
  at_ += 4 + size_t{be32(buffer.substr(at_))};
  progress = true;
  return ok();
}

Status MessageScanner::container(uint8_t type, std::string_view buffer, bool& progress) {
  const size_t head_bytes = type == map ? 6 : 5;
  if (at_ > buffer.size() || buffer.size() - at_ < head_bytes) return ok();
  Level level;
  level.type = static_cast<uint8_t>(buffer[at_]);
  if (type == map) level.second = static_cast<uint8_t>(buffer[at_ + 1]);
  const uint32_t count = be32(buffer.substr(at_ + head_bytes - 4));
  if (count > bytes_max_) return malformed("a container claims too many elements");
  // Also where no elements follow: Thrift's reader makes an enumerator of the byte. Only then none may be
  // named.
  for (const uint8_t named : {level.type, type == map ? level.second : level.type}) {
    if (!known(named) && (count > 0 || named != stop)) return malformed("an unknown element type");
  }
  if (levels_.size() >= depth_max) return malformed("nested too deep");
  at_ += head_bytes;
  progress = true;
  if (count == 0) return ok();
  level.elements_left = type == map ? uint64_t{count} * 2 : count;
  levels_.push_back(level);
  return ok();
}

}  // namespace mekong::metastore
