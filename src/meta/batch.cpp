#include <utility>

#include "meta/store.h"

namespace mekong::meta {

Batch& Batch::put(std::string_view family, std::string key, std::string value) {
  writes_.push_back({std::string(family), std::move(key), std::move(value)});
  return *this;
}

Batch& Batch::remove(std::string_view family, std::string key) {
  writes_.push_back({std::string(family), std::move(key), std::nullopt});
  return *this;
}

Batch& Batch::expect_absent(std::string_view family, std::string key) {
  conditions_.push_back({std::string(family), std::move(key), std::nullopt});
  return *this;
}

Batch& Batch::expect_value(std::string_view family, std::string key, std::string value) {
  conditions_.push_back({std::string(family), std::move(key), std::move(value)});
  return *this;
}

Batch& Batch::count(Count count) {
  counts_.push_back(std::move(count));
  return *this;
}

ScanRange prefix_range(std::string_view prefix, size_t limit) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {.begin = std::string(prefix), .end = std::move(end), .limit = limit};
}

}  // namespace mekong::meta
