#include "os/own_memory.h"

#include <unistd.h>

#include <new>
#include <string_view>

namespace mekong::os {

void end_when_out_of_memory() {
  std::set_new_handler([] {
    constexpr std::string_view words = "mekong: out of memory; ending. What was acknowledged is kept.\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, words.data(), words.size());
    ::_exit(70);
  });
}

}  // namespace mekong::os
