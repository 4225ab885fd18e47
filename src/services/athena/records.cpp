#include "services/athena/records.h"

#include <fmt/format.h>

#include "codec/record.h"

namespace mekong::athena {
namespace {

std::string key(char kind, const Scope& scope, std::string_view rest) {
  return fmt::format("{}/{}/{}/{}", kind, scope.account.value, scope.region.value, rest);
}

std::string order_key(const Execution& execution) {
  constexpr int64_t far = 9'999'999'999'999;
  return key('i', execution.scope(),
             fmt::format("{}/{:013}/{}", execution.work_group, far - execution.submitted_ms, execution.id));
}

}  // namespace

Status Records::add(const Execution& execution, const std::string& token, const std::string& request) {
  meta::Batch batch;
  batch.put(meta_family, key('q', execution.scope(), execution.id), codec::encode_record(execution));
  batch.put(meta_family, order_key(execution), "");
  if (!token.empty()) {
    const auto token_key = key('t', execution.scope(), token);
    batch.expect_absent(meta_family, token_key);
    batch.put(meta_family, token_key, codec::encode_record(Token{execution.id, request}));
  }
  return meta_.commit(std::move(batch)).get();
}

Result<std::optional<Token>> Records::token(const Scope& scope, const std::string& token) const {
  MEKONG_TRY_ASSIGN(const auto bytes, meta_.get(meta_family, key('t', scope, token)));
  if (!bytes) return std::optional<Token>();
  MEKONG_TRY_ASSIGN(auto found, codec::decode_record<Token>(*bytes));
  return std::optional(std::move(found));
}

Status Records::put(const Execution& execution) {
  meta::Batch batch;
  batch.put(meta_family, key('q', execution.scope(), execution.id), codec::encode_record(execution));
  return meta_.commit(std::move(batch)).get();
}

Result<std::optional<Execution>> Records::execution(const Scope& scope, const std::string& id) const {
  MEKONG_TRY_ASSIGN(const auto bytes, meta_.get(meta_family, key('q', scope, id)));
  if (!bytes) return std::optional<Execution>();
  MEKONG_TRY_ASSIGN(auto found, codec::decode_record<Execution>(*bytes));
  return std::optional(std::move(found));
}

Result<IdPage> Records::list(const Scope& scope, const std::string& work_group, const std::string& after,
                             size_t limit) const {
  const auto prefix = key('i', scope, work_group + "/");
  auto range = meta::prefix_range(prefix, limit + 1);
  if (!after.empty()) range.after = prefix + after;
  MEKONG_TRY_ASSIGN(auto rows, meta_.scan(meta_family, range));
  IdPage page;
  const bool more = rows.size() > limit;
  if (more) rows.pop_back();
  for (const auto& row : rows) page.ids.push_back(row.key.substr(row.key.rfind('/') + 1));
  if (more) page.next = rows.back().key.substr(prefix.size());
  return page;
}

Result<std::vector<Execution>> Records::unfinished() const {
  std::vector<Execution> found;
  auto range = meta::prefix_range("q/");
  for (;;) {
    MEKONG_TRY_ASSIGN(const auto rows, meta_.scan(meta_family, range));
    for (const auto& row : rows) {
      MEKONG_TRY_ASSIGN(auto execution, codec::decode_record<Execution>(row.value));
      if (!execution.ended()) found.push_back(std::move(execution));
    }
    if (rows.size() < range.limit) return found;
    range.after = rows.back().key;
  }
}

Status Records::add(const Scope& scope, const WorkGroup& group) {
  meta::Batch batch;
  const auto group_key = key('w', scope, group.name);
  batch.expect_absent(meta_family, group_key);
  batch.put(meta_family, group_key, codec::encode_record(group));
  return meta_.commit(std::move(batch)).get();
}

Result<std::optional<WorkGroup>> Records::work_group(const Scope& scope, const std::string& name) const {
  MEKONG_TRY_ASSIGN(const auto bytes, meta_.get(meta_family, key('w', scope, name)));
  if (bytes) {
    MEKONG_TRY_ASSIGN(auto group, codec::decode_record<WorkGroup>(*bytes));
    return std::optional(std::move(group));
  }
  if (name != "primary") return std::optional<WorkGroup>();
  WorkGroup primary;
  primary.name = name;
  primary.enforced = false;
  return std::optional(std::move(primary));
}

}  // namespace mekong::athena
