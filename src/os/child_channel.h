// A stream between us and a child process that also carries descriptors (SCM_RIGHTS). Blocks: pool threads.
// One thread at a time. Errors: errno's names; "EOF": the other side is gone; "TimedOut".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mekong::os {

class ChildChannel {
 public:
  // Takes ownership of `descriptor`.
  explicit ChildChannel(int descriptor) : descriptor_(descriptor) {}
  ~ChildChannel();
  ChildChannel(const ChildChannel&) = delete;
  ChildChannel& operator=(const ChildChannel&) = delete;

  // From here on, a call that has to wait after this time from now fails with "TimedOut". Real time: the
  // other side is a real process.
  void set_time_limit(int64_t left_ms);
  // `descriptors` (at most 200) arrive with the first byte; they stay the caller's.
  Status send(std::string_view bytes, const std::vector<int>& descriptors = {});
  // Without its end of line. "TooLong": no line ends within `bytes_max`.
  Result<std::string> read_line(size_t bytes_max = SIZE_MAX);
  // Just so many.
  Result<std::string> read_bytes(size_t size_bytes);

 private:
  Status wait(short events);
  Status receive();  // more into buffer_
  int descriptor_;
  int64_t deadline_ms_ = 0;  // 0: none
  std::string buffer_;
};

struct ChannelEnds {
  int ours = -1, child = -1;  // both closed on exec
};
Result<ChannelEnds> make_channel();
void close_descriptor(int descriptor);

}  // namespace mekong::os
