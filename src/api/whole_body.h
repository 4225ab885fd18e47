// A small body that is here, of a streaming operation with waits=never: its handler runs on the I/O thread
// that read the request, and waits there for nothing but what it awaits, a commit for example. What needs a
// file ends it with WouldWait before anything was changed; then it is called again on the pool, with the same
// bytes, and finds an ordinary body.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/types.h"

namespace mekong::api {

class WholeBody final : public BodyReader {
 public:
  using Trailers = std::vector<std::pair<std::string, std::string>>;
  // `read`: read to its end, and so checked.
  WholeBody(std::string bytes, const BodyReader& read)
      : bytes_(std::move(bytes)), length_(read.length()), trailers_(read.trailers()) {}

  // The body where the handler may not wait; else null.
  static const WholeBody* of(const BodyReader& body) {
    const auto* whole = dynamic_cast<const WholeBody*>(&body);
    return whole != nullptr && !whole->may_wait_ ? whole : nullptr;
  }
  std::string_view bytes() const { return bytes_; }
  void let_wait() { may_wait_ = true; }

  Task<Result<std::string>> read() override { co_return std::exchange(bytes_, {}); }
  int64_t length() const override { return length_; }
  const Trailers& trailers() const override { return trailers_; }

 private:
  std::string bytes_;
  const int64_t length_;
  const Trailers trailers_;
  bool may_wait_ = false;
};

}  // namespace mekong::api
