#include "app/log_book.h"

#include <algorithm>

namespace mekong::app {

void LogBook::add(std::string line) {
  std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  if (lines_.size() > lines_max_) lines_.pop_front();
  ++added_;
}

LogPage LogBook::after(int64_t after, size_t lines_max, bool newest) const {
  std::lock_guard lock(mutex_);
  const int64_t first = added_ - static_cast<int64_t>(lines_.size());  // the number before the oldest line's
  int64_t from = std::clamp(after, first, added_);
  int64_t to = added_;
  const auto most = static_cast<int64_t>(lines_max);
  if (newest)
    from = std::max(from, to - most);
  else
    to = std::min(to, from + most);
  return {to, {lines_.begin() + (from - first), lines_.begin() + (to - first)}};
}

}  // namespace mekong::app
