// The last lines of the server's log, kept in memory for `mekong logs`.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace mekong::app {

// One stretch of the log, as it travels to the command.
struct LogPage {
  int64_t next = 0;  // ask for what comes after this one
  std::vector<std::string> lines;
  template <class F>
  void each_field(F&& f) {
    f("Next", next), f("Lines", lines);
  }
};

// Any thread.
class LogBook {
 public:
  explicit LogBook(size_t lines_max = 4096) : lines_max_(lines_max) {}
  void add(std::string line);  // without its end
  // Lines after the one that `after` numbers, at most `lines_max` of them: the newest ones with `newest`,
  // else the oldest.
  LogPage after(int64_t after, size_t lines_max, bool newest) const;

 private:
  const size_t lines_max_;
  mutable std::mutex mutex_;
  std::deque<std::string> lines_;  // under mutex_
  int64_t added_ = 0;              // under mutex_
};

}  // namespace mekong::app
