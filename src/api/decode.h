// What the decoders of all protocols share: where in the input they are, and what was missing.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "api/shape.h"
#include "base/result.h"

namespace mekong::api {

// A place in the input; lives on the stack of the walkers.
struct Path {
  const Path* parent = nullptr;
  std::string_view name;
  size_t index = 0;          // in a list, from 1; then `name` is empty
  std::string text() const;  // "databaseInput.tags.1.member", in the services' spelling
};

// Violations in the services' words, without the counting head.
using Violations = std::vector<std::string>;

// Which members of one structure have been seen; afterwards names the required ones that have not.
class Seen {
 public:
  explicit Seen(const Shape& shape) : shape_(shape), seen_(shape.member_count) {}
  void mark(const Member& member) { seen_[static_cast<size_t>(&member - shape_.members)] = true; }
  void report(const Path* at, Violations& out) const;

 private:
  const Shape& shape_;
  std::vector<bool> seen_;
};

void report_missing(const Path& path, Violations& out);

// Values as plain text: headers, query, labels, XML, forms. `fallback` is the protocol's format of
// timestamps. Errors: "SerializationException".
Status parse_scalar(const Member& member, std::string_view text, TimeFormat fallback, void* out);
std::string format_scalar(const Member& member, const void* value, TimeFormat fallback);
TimeFormat time_format(const Member& member, TimeFormat fallback);

}  // namespace mekong::api
