#include "iam/usage.h"

#include "codec/record.h"
#include "iam/table.h"

namespace mekong::iam {
namespace {

constexpr std::string_view prefix = "used/";
constexpr int64_t resolution_ms = 1000;  // as the API shows it

// The role, not each of its many short-lived keys.
std::string used_id(const Principal& principal) {
  if (principal.kind == PrincipalKind::role_session) {
    return principal.user_id.substr(0, principal.user_id.find(':'));
  }
  return principal.access_key_id;
}

}  // namespace

Status Usage::load() {
  auto range = meta::prefix_range(prefix);
  for (;;) {
    MEKONG_TRY_ASSIGN(auto page, store_.scan(family, range));
    for (auto& [key, value] : page) {
      MEKONG_TRY_ASSIGN(auto use, codec::decode_record<LastUse>(value));
      last_[use.id] = std::move(use);
    }
    if (page.size() < range.limit) return ok();
    range.after = page.back().key;
  }
}

void Usage::saw(const Principal& principal, const std::string& service, const std::string& region) {
  const std::string id = used_id(principal);
  if (id.empty()) return;
  const int64_t now_ms = clock_.wall_ms();
  std::lock_guard lock(mutex_);
  LastUse& use = last_[id];
  if (use.at_ms + resolution_ms > now_ms && use.service == service && use.region == region) return;
  use = {id, service, region, now_ms};
  unsaved_.insert(id);
}

std::optional<LastUse> Usage::find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  auto at = last_.find(id);
  return at == last_.end() ? std::nullopt : std::optional(at->second);
}

Status Usage::flush() {
  meta::Batch batch;
  {
    std::lock_guard lock(mutex_);
    for (const std::string& id : unsaved_) {
      batch.put(family, std::string(prefix) + id, codec::encode_record(last_[id]));
    }
    unsaved_.clear();
  }
  return batch.writes().empty() ? ok() : store_.commit(std::move(batch)).get();
}

}  // namespace mekong::iam
