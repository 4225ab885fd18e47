// What a policy is asked about: condition keys (without case) and their values.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"

namespace mekong::policy {

std::string lower(std::string_view text);

// Built once a decision, read by every statement. A key that is absent and a key without values are the same.
class Context {
 public:
  Context() = default;
  explicit Context(const ConditionContext& keys);

  void set(std::string_view key, std::vector<std::string> values);  // replaces
  // `key` in lower case. Null where the request has no such key. Valid until the next set().
  const std::vector<std::string>* find(std::string_view key) const;
  const std::map<std::string, std::vector<std::string>, std::less<>>& values() const { return values_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

}  // namespace mekong::policy
