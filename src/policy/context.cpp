#include "policy/context.h"

#include <algorithm>

namespace mekong::policy {

namespace {

char small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return small(x) == small(y); });
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), small);
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
  if (auto at = values_.find(key); at != values_.end()) return &at->second;
  for (const auto& made : made_) {
    if (made->key == key) return made->values.empty() ? nullptr : &made->values;
  }
  std::vector<std::string> values;
  if (source_ != nullptr && source_->supply(key, values)) {
    const auto& made = made_.emplace_back(std::make_unique<Made>(std::string(key), std::move(values)));
    return made->values.empty() ? nullptr : &made->values;
  }
  if (given_ == nullptr) return nullptr;
  const auto at =
      std::ranges::find_if(*given_, [&](const auto& one) { return same_letters(one.first, key); });
  return at == given_->end() || at->second.empty() ? nullptr : &at->second;
}

ConditionContext Context::all() const {
  ConditionContext out;
  const auto take = [&](std::string_view key) {
    if (const auto* values = find(key)) out[std::string(key)] = *values;
  };
  if (given_ != nullptr) {
    for (const auto& [key, values] : *given_) take(lower(key));
  }
  if (source_ != nullptr) source_->each_key(take);
  for (const auto& [key, values] : values_) out[key] = values;
  return out;
}

}  // namespace mekong::policy
