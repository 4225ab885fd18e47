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

// What an input breaks, in the services' words: "Value 'x' at 'y' failed to satisfy constraint: z".
struct Violation {
  std::string value;       // as shown: "null", "'text'"
  std::string at;          // Path::text()
  std::string constraint;  // "Member must not be null"
  bool missing = false;
};
using Violations = std::vector<Violation>;

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

// The member called `wire` that lives in the body; null if there is none. `hint`: where to look first, moved
// on, because clients write members in the model's order more often than not.
const Member* find_body_member(const Shape& shape, std::string_view wire, size_t& hint);
// Replies have no query and no path: members bound to those are written into the body.
bool written_in_body(const Member& member);

void report_missing(const Path& path, Violations& out);

// Values as plain text: headers, query, labels, XML, forms. `fallback` is the protocol's format of
// timestamps. Errors: "SerializationException".
Status parse_scalar(const Member& member, std::string_view text, TimeFormat fallback, void* out);
std::string format_scalar(const Member& member, const void* value, TimeFormat fallback);
TimeFormat time_format(const Member& member, TimeFormat fallback);

}  // namespace mekong::api
