// A stream between us and a child process that also carries descriptors (SCM_RIGHTS). Blocks: pool threads.
// One thread at a time, except shut_down. Errors: errno's names; "EOF": the other side is gone.
#pragma once
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

  // `descriptors` (at most 200) arrive with the first byte; they stay the caller's.
  Status send(std::string_view bytes, const std::vector<int>& descriptors = {});
  // Without its end of line.
  Result<std::string> read_line();

 private:
  int descriptor_;
  std::string buffer_;
};

struct ChannelEnds {
  int ours = -1, child = -1;  // both closed on exec
};
Result<ChannelEnds> make_channel();
void close_descriptor(int descriptor);

}  // namespace mekong::os
