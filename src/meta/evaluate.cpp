#include "meta/evaluate.h"

#include <charconv>
#include <map>
#include <utility>

namespace mekong::meta {
namespace {

Error condition_failed(const std::string& family, const std::string& key) {
  return {"ConditionFailed", "a condition on a key of '" + family + "' does not hold", 0, {{"key", key}}};
}

Result<int64_t> parse_count(const std::optional<std::string>& text) {
  int64_t count = 0;
  if (!text) return count;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  if (error != std::errc() || end != text->data() + text->size()) {
    return Error{"StorageFailed", "a counter holds something else than a number"};
  }
  return count;
}

using Counters = std::map<std::pair<std::string, std::string>, int64_t>;

// Where each counter will stand; several changes of one counter in a batch add up.
Result<Counters> settle_counters(const Batch& batch, View& view) {
  Counters counters;
  for (const auto& change : batch.counts()) {
    auto id = std::make_pair(change.family, change.key);
    if (!counters.contains(id)) {
      MEKONG_TRY_ASSIGN(auto stored, view.get(change.family, change.key));
      MEKONG_TRY_ASSIGN(counters[id], parse_count(stored));
    }
    int64_t& now = counters[id];
    if (change.must_exist && now == 0) return condition_failed(change.family, change.key);
    now += change.delta;
    if (now < 0) return condition_failed(change.family, change.key);
  }
  return counters;
}

}  // namespace

Status evaluate(const Batch& batch, View& view) {
  for (const auto& condition : batch.conditions()) {
    MEKONG_TRY_ASSIGN(auto now, view.get(condition.family, condition.key));
    if (now != condition.value) return condition_failed(condition.family, condition.key);
  }
  MEKONG_TRY_ASSIGN(auto counters, settle_counters(batch, view));
  for (const auto& write : batch.writes()) {
    if (!view.has_family(write.family)) return Error{"UnknownFamily", "no family '" + write.family + "'"};
  }
  for (const auto& write : batch.writes()) view.set(write.family, write.key, write.value);
  for (const auto& change : batch.counts()) {
    int64_t now = counters.at({change.family, change.key});
    view.set(change.family, change.key, now == 0 ? std::nullopt : std::make_optional(std::to_string(now)));
    if (now == 0 && !change.zero_key.empty()) view.set(change.family, change.zero_key, change.zero_value);
  }
  return ok();
}

}  // namespace mekong::meta
