// What the sources of this module share: reading records and pages, names, errors.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "codec/record.h"

namespace mekong::catalog {

// How often a write is decided anew after somebody else was faster.
inline constexpr int write_attempts_max = 20;

inline Error not_found(std::string message) {
  return {"EntityNotFoundException", std::move(message)};
}
inline Error already_exists(std::string message) {
  return {"AlreadyExistsException", std::move(message)};
}
inline Error invalid_input(std::string message) {
  return {"InvalidInputException", std::move(message)};
}

Status check_name(std::string_view kind, std::string_view name);

template <class T>
Result<Page<T>> read_page(const meta::Store& store, const std::string& prefix, const PageRequest& page) {
  auto range = meta::prefix_range(prefix, page.limit + 1);
  if (!page.after.empty()) range.after = prefix + page.after;
  MEKONG_TRY_ASSIGN(auto found, store.scan(meta_family, range));
  Page<T> result;
  const bool more = found.size() > page.limit;
  if (more) found.pop_back();
  for (const auto& pair : found) {
    MEKONG_TRY_ASSIGN(auto item, codec::decode_record<T>(pair.value));
    result.items.push_back(std::move(item));
  }
  if (more && !found.empty()) result.next = found.back().key.substr(prefix.size());
  return result;
}

// Decides and commits until nobody was faster. `attempt` returns a Status; "ConditionFailed" asks for
// another.
template <class F>
Status retry_conflicts(F&& attempt) {
  for (int i = 0; i < write_attempts_max; ++i) {
    Status status = attempt();
    if (status.ok() || status.error().code != "ConditionFailed") return status;
  }
  return Error{"ConcurrentModificationException", "The entity was modified by others at the same time."};
}

}  // namespace mekong::catalog
