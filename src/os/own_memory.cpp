#include "os/own_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <new>
#include <string_view>

namespace mekong::os {
namespace {

// Each arena keeps what its threads freed, and large bodies pass through all of them.
constexpr int arenas_max = 4;
constexpr int kept_bytes_max = 8 << 20, mapped_bytes_min = 4 << 20;

}  // namespace

void keep_freed_memory() {
  ::mallopt(M_ARENA_MAX, arenas_max);
  ::mallopt(M_TRIM_THRESHOLD, kept_bytes_max);
  ::mallopt(M_MMAP_THRESHOLD, mapped_bytes_min);
}

void end_when_out_of_memory() {
  std::set_new_handler([] {
    constexpr std::string_view words = "mekong: out of memory; ending. What was acknowledged is kept.\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, words.data(), words.size());
    ::_exit(70);
  });
}

}  // namespace mekong::os
