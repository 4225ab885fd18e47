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

template <class T>
std::optional<T> default_of(const std::string&) {
  return std::nullopt;
}

template <>
std::optional<WorkGroup> default_of(const std::string& name) {
  if (name != "primary") return std::nullopt;
  WorkGroup primary;
  primary.name = name;
  primary.enforced = false;
  return primary;
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

template <class T>
Result<std::optional<T>> Records::find(const Scope& scope, const std::string& name) const {
  MEKONG_TRY_ASSIGN(const auto bytes, meta_.get(meta_family, key(T::kind, scope, name)));
  if (!bytes) return default_of<T>(name);
  MEKONG_TRY_ASSIGN(auto found, codec::decode_record<T>(*bytes));
  return std::optional(std::move(found));
}

template <class T>
Status Records::add(const Scope& scope, const T& item) {
  meta::Batch batch;
  const auto item_key = key(T::kind, scope, item.key());
  batch.expect_absent(meta_family, item_key);
  batch.put(meta_family, item_key, codec::encode_record(item));
  return meta_.commit(std::move(batch)).get();
}

template <class T>
Status Records::update(const Scope& scope, const std::string& name, const std::function<Status(T&)>& change) {
  const auto item_key = key(T::kind, scope, name);
  for (;;) {
    MEKONG_TRY_ASSIGN(const auto bytes, meta_.get(meta_family, item_key));
    auto item = default_of<T>(name);
    if (bytes) {
      MEKONG_TRY_ASSIGN(item, codec::decode_record<T>(*bytes));
    }
    if (!item) return Error{"NotFound", name};
    MEKONG_TRY(change(*item));
    meta::Batch batch;
    if (bytes) batch.expect_value(meta_family, item_key, *bytes);
    if (!bytes) batch.expect_absent(meta_family, item_key);
    batch.put(meta_family, item_key, codec::encode_record(*item));
    const auto stored = meta_.commit(std::move(batch)).get();
    if (stored.ok() || stored.error().code != "ConditionFailed") return stored;
  }
}

template <class T>
Status Records::put(const Scope& scope, const T& item) {
  meta::Batch batch;
  batch.put(meta_family, key(T::kind, scope, item.key()), codec::encode_record(item));
  return meta_.commit(std::move(batch)).get();
}

template <class T>
Status Records::remove(const Scope& scope, const std::string& name) {
  meta::Batch batch;
  batch.remove(meta_family, key(T::kind, scope, name));
  return meta_.commit(std::move(batch)).get();
}

template <class T>
Result<Page<T>> Records::list(const Scope& scope, const std::string& prefix, const std::string& after,
                              size_t limit) const {
  auto range = meta::prefix_range(key(T::kind, scope, prefix), limit + 1);
  if (!after.empty()) range.after = key(T::kind, scope, after);
  MEKONG_TRY_ASSIGN(auto rows, meta_.scan(meta_family, range));
  Page<T> page;
  const bool more = rows.size() > limit;
  if (more) rows.pop_back();
  for (const auto& row : rows) {
    MEKONG_TRY_ASSIGN(auto item, codec::decode_record<T>(row.value));
    page.items.push_back(std::move(item));
  }
  if (more) page.next = page.items.back().key();
  return page;
}

#define MEKONG_ATHENA_RECORD(T)                                                                        \
  template Result<std::optional<T>> Records::find(const Scope&, const std::string&) const;             \
  template Status Records::add(const Scope&, const T&);                                                \
  template Status Records::put(const Scope&, const T&);                                                \
  template Status Records::update(const Scope&, const std::string&, const std::function<Status(T&)>&); \
  template Status Records::remove<T>(const Scope&, const std::string&);                                \
  template Result<Page<T>> Records::list(const Scope&, const std::string&, const std::string&, size_t) const
MEKONG_ATHENA_RECORD(WorkGroup);
MEKONG_ATHENA_RECORD(NamedQuery);
MEKONG_ATHENA_RECORD(PreparedStatement);
#undef MEKONG_ATHENA_RECORD

Status Records::add(const Scope& scope, const NamedQuery& query, const std::string& token,
                    const std::string& request) {
  meta::Batch batch;
  batch.put(meta_family, key(NamedQuery::kind, scope, query.key()), codec::encode_record(query));
  batch.put(meta_family, key('m', scope, query.id), query.work_group);
  if (!token.empty()) {
    batch.expect_absent(meta_family, key('t', scope, token));
    batch.put(meta_family, key('t', scope, token), codec::encode_record(Token{query.id, request}));
  }
  return meta_.commit(std::move(batch)).get();
}

Result<std::optional<NamedQuery>> Records::named_query(const Scope& scope, const std::string& id) const {
  MEKONG_TRY_ASSIGN(const auto work_group, meta_.get(meta_family, key('m', scope, id)));
  if (!work_group) return std::optional<NamedQuery>();
  return find<NamedQuery>(scope, *work_group + "/" + id);
}

Status Records::remove_named_query(const Scope& scope, const NamedQuery& query) {
  meta::Batch batch;
  batch.remove(meta_family, key(NamedQuery::kind, scope, query.key()));
  batch.remove(meta_family, key('m', scope, query.id));
  return meta_.commit(std::move(batch)).get();
}

Result<bool> Records::is_empty(const Scope& scope, const std::string& work_group) const {
  for (const char kind : {'i', NamedQuery::kind, PreparedStatement::kind}) {
    const auto range = meta::prefix_range(key(kind, scope, work_group + "/"), 1);
    MEKONG_TRY_ASSIGN(const auto rows, meta_.scan(meta_family, range));
    if (!rows.empty()) return false;
  }
  return true;
}

Status Records::remove_work_group(const Scope& scope, const std::string& work_group) {
  for (const char kind : {'i', NamedQuery::kind, PreparedStatement::kind}) {
    const auto range = meta::prefix_range(key(kind, scope, work_group + "/"));
    for (;;) {
      MEKONG_TRY_ASSIGN(const auto rows, meta_.scan(meta_family, range));
      if (rows.empty()) break;
      meta::Batch batch;
      for (const auto& row : rows) {
        const auto id = row.key.substr(row.key.rfind('/') + 1);
        batch.remove(meta_family, row.key);
        if (kind == 'i') batch.remove(meta_family, key('q', scope, id));
        if (kind == NamedQuery::kind) batch.remove(meta_family, key('m', scope, id));
      }
      MEKONG_TRY(meta_.commit(std::move(batch)).get());
    }
  }
  return remove<WorkGroup>(scope, work_group);
}

}  // namespace mekong::athena
