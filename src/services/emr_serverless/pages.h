// Pages of lists that are read whole: newest first, the token is the id that the page before ended with.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace mekong::emr_serverless {

// Sorts `records` and leaves one page; returns the token of the next. Error: "ValidationException".
template <class Record>
Result<std::optional<std::string>> take_page(std::vector<Record>& records,
                                             const std::optional<std::string>& token,
                                             const std::optional<int32_t>& max_results) {
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
    return a.created_ms != b.created_ms ? a.created_ms > b.created_ms : a.id < b.id;
  });
  auto first = records.begin();
  if (token) {
    first = std::find_if(records.begin(), records.end(),
                         [&](const Record& record) { return record.id == *token; });
    if (first == records.end()) return Error{"ValidationException", "nextToken is not valid."};
    ++first;
  }
  records.erase(records.begin(), first);
  constexpr int32_t page_default = 50;
  const auto size = static_cast<size_t>(std::max(1, max_results.value_or(page_default)));
  if (records.size() <= size) return std::optional<std::string>();
  records.erase(records.begin() + static_cast<std::ptrdiff_t>(size), records.end());
  return std::optional(records.back().id);
}

}  // namespace mekong::emr_serverless
