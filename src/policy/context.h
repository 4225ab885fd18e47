// What a policy is asked about: condition keys (without case) and their values.
#pragma once
#include <array>
#include <cstddef>
#include <list>
#include <map>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"

namespace mekong::policy {

std::string lower(std::string_view text);
bool same_letters(std::string_view a, std::string_view b);  // without case

// Built once a decision, read by every statement, by one thread. A key that is absent and a key without
// values are the same. What is made for the decision lies in the context itself as far as it has room.
class Context {
 public:
  Context() = default;
  explicit Context(const ConditionContext& keys);  // a copy
  // Nothing is copied: both must outlive it. What `source` speaks for hides what is `given`.
  Context(const ConditionContext& given, const ConditionSource& source) : given_(&given), source_(&source) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void set(std::string_view key, std::vector<std::string> values);  // replaces
  // `key` in lower case. Null where the request has no such key. Valid until the next set().
  const ConditionValues* find(std::string_view key) const;
  ConditionContext all() const;  // keys in lower case
  // Memory until the end of the decision; given back with the context only.
  std::pmr::memory_resource& scratch() const { return scratch_; }

 private:
  struct Made {
    std::pmr::string key;
    ConditionValues values;
  };
  const ConditionValues* keep(std::string_view key, ConditionValues values) const;

  alignas(std::max_align_t) mutable std::array<std::byte, 2048> room_;
  mutable std::pmr::monotonic_buffer_resource scratch_{room_.data(), room_.size()};
  std::map<std::string, ConditionValues, std::less<>> values_;
  const ConditionContext* given_ = nullptr;
  const ConditionSource* source_ = nullptr;
  mutable std::pmr::list<Made> made_{&scratch_};  // asked for already; they stay where they are
};

}  // namespace mekong::policy
