// While one lives, what this thread asks of the engines is answered from memory or refused with WouldWait, so
// that an I/O thread can try what usually waits for nothing; whoever is refused asks again on a pool thread.
// Looked at where an engine would read a file (meta, blob). Scopes do not nest and do not span a co_await.
#pragma once
#include <string_view>

#include "base/result.h"

namespace mekong {

class MemoryOnly {
 public:
  MemoryOnly() { on_ = true; }
  ~MemoryOnly() { on_ = false; }
  MemoryOnly(const MemoryOnly&) = delete;
  MemoryOnly& operator=(const MemoryOnly&) = delete;

  static constexpr std::string_view code = "WouldWait";
  static bool on() { return on_; }
  static Error would_wait() { return {std::string(code), "not in memory"}; }

 private:
  static inline thread_local bool on_ = false;
};

}  // namespace mekong
