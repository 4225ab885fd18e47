#include "policy/context.h"

#include <algorithm>

namespace mekong::policy {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

Context::Context(const ConditionContext& keys) {
  for (const auto& [key, values] : keys) set(key, values);
}

void Context::set(std::string_view key, std::vector<std::string> values) {
  if (values.empty()) {
    values_.erase(lower(key));
    return;
  }
  values_[lower(key)] = std::move(values);
}

const std::vector<std::string>* Context::find(std::string_view key) const {
  auto at = values_.find(key);
  return at == values_.end() ? nullptr : &at->second;
}

}  // namespace mekong::policy
