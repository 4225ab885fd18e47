#include "policy/context.h"

#include <algorithm>

namespace mekong::policy {

namespace {

char small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return small(x) == small(y); });
}

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
  values_[lower(key)] = ConditionValues(values.begin(), values.end());
}

const ConditionValues* Context::keep(std::string_view key, ConditionValues values) const {
  made_.push_back({std::pmr::string(key, &scratch_), std::move(values)});
  return made_.back().values.empty() ? nullptr : &made_.back().values;
}

const ConditionValues* Context::find(std::string_view key) const {
  if (auto at = values_.find(key); at != values_.end()) return &at->second;
  for (const Made& made : made_) {
    if (made.key == key) return made.values.empty() ? nullptr : &made.values;
  }
  ConditionValues values(&scratch_);
  if (source_ != nullptr && source_->supply(key, values)) return keep(key, std::move(values));
  if (given_ == nullptr) return nullptr;
  const auto at =
      std::ranges::find_if(*given_, [&](const auto& one) { return same_letters(one.first, key); });
  if (at == given_->end()) return nullptr;
  values.assign(at->second.begin(), at->second.end());
  return keep(key, std::move(values));
}

ConditionContext Context::all() const {
  ConditionContext out;
  const auto take = [&](std::string_view key) {
    if (const auto* values = find(key)) out[std::string(key)].assign(values->begin(), values->end());
  };
  if (given_ != nullptr) {
    for (const auto& [key, values] : *given_) take(lower(key));
  }
  if (source_ != nullptr) source_->each_key(take);
  for (const auto& [key, values] : values_) take(key);
  return out;
}

}  // namespace mekong::policy
