// What a policy is asked about: condition keys (without case) and their values.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/authoriser.h"

namespace mekong::policy {

std::string lower(std::string_view text);

// Keys whose values are made when a statement asks for them. Keys in lower case.
class ContextSource {
 public:
  virtual ~ContextSource() = default;
  // Does it speak for this key? Then nobody else does, whether it has values or not.
  virtual bool supply(std::string_view key, std::vector<std::string>& values) const = 0;
  virtual void each_key(const std::function<void(std::string_view key)>& visit) const = 0;
};

// Built once a decision, read by every statement, by one thread. A key that is absent and a key without
// values are the same.
class Context {
 public:
  Context() = default;
  explicit Context(const ConditionContext& keys);  // a copy
  // Nothing is copied: both must outlive it. What `source` speaks for hides what is `given`.
  Context(const ConditionContext& given, const ContextSource& source) : given_(&given), source_(&source) {}

  void set(std::string_view key, std::vector<std::string> values);  // replaces
  // `key` in lower case. Null where the request has no such key. Valid until the next set().
  const std::vector<std::string>* find(std::string_view key) const;
  ConditionContext all() const;  // keys in lower case

 private:
  struct Made {
    std::string key;
    std::vector<std::string> values;
  };
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  const ConditionContext* given_ = nullptr;
  const ContextSource* source_ = nullptr;
  mutable std::vector<std::unique_ptr<Made>> made_;  // by source_; stays where it is
};

}  // namespace mekong::policy
