#include <algorithm>

#include "catalog/catalog.h"
#include "catalog/keys.h"
#include "catalog/records.h"

namespace mekong::catalog {

std::string fold_name(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

Status check_name(std::string_view kind, std::string_view name) {
  if (name.empty() || name.size() > 255) {
    return invalid_input(fmt::format("{} name must have 1 to 255 characters.", kind));
  }
  for (char c : name) {
    if (static_cast<unsigned char>(c) < 0x20) {
      return invalid_input(fmt::format("{} name has a control character.", kind));
    }
  }
  return ok();
}

Catalog::Catalog(meta::Store& store, const os::Clock& clock, os::Random& random)
    : store_(store), clock_(clock), random_(random) {}

Status Catalog::commit(meta::Batch batch) const {
  auto done = store_.commit(std::move(batch));
  return done.get();
}

Result<Catalog::Stored<Database>> Catalog::make_default_database(const Scope& scope) const {
  Database database;
  database.name = "default";
  database.description = "Default Hive database";
  database.create_ms = clock_.wall_ms();
  database.uid = random_.hex(32);
  Stored<Database> stored{database, keys::database(scope, "default"), codec::encode_record(database)};
  meta::Batch batch;
  batch.expect_absent(meta_family, stored.key).put(meta_family, stored.key, stored.bytes);
  MEKONG_TRY(commit(std::move(batch)));
  return stored;
}

Result<Catalog::Stored<Database>> Catalog::read_database(const Scope& scope, std::string_view name) const {
  const std::string folded = fold_name(name);
  const std::string key = keys::database(scope, folded);
  MEKONG_TRY_ASSIGN(auto bytes, store_.get(meta_family, key));
  if (!bytes && folded == "default") {
    auto made = make_default_database(scope);
    if (made.ok() || made.error().code != "ConditionFailed") return made;
    MEKONG_TRY_ASSIGN(bytes, store_.get(meta_family, key));  // somebody else made it just now
  }
  if (!bytes) return not_found(fmt::format("Database {} not found.", folded));
  MEKONG_TRY_ASSIGN(auto database, codec::decode_record<Database>(*bytes));
  return Stored<Database>{std::move(database), key, std::move(*bytes)};
}

Status Catalog::create_database(const Scope& scope, Database database) {
  database.name = fold_name(database.name);
  MEKONG_TRY(check_name("Database", database.name));
  if (database.create_ms == 0) database.create_ms = clock_.wall_ms();
  database.uid = random_.hex(32);
  const std::string key = keys::database(scope, database.name);
  meta::Batch batch;
  batch.expect_absent(meta_family, key).put(meta_family, key, codec::encode_record(database));
  Status done = commit(std::move(batch));
  if (!done.ok() && done.error().code == "ConditionFailed") return already_exists("Database already exists.");
  return done;
}

Result<Database> Catalog::get_database(const Scope& scope, std::string_view name) const {
  MEKONG_TRY_ASSIGN(auto stored, read_database(scope, name));
  return std::move(stored.value);
}

Result<Page<Database>> Catalog::list_databases(const Scope& scope, const PageRequest& page) const {
  MEKONG_TRY(read_database(scope, "default"));
  return read_page<Database>(store_, keys::databases(scope), page);
}

Status Catalog::update_database(const Scope& scope, std::string_view name, Database database) {
  if (fold_name(database.name) != fold_name(name)) {
    return invalid_input("A database cannot be renamed: the names differ.");
  }
  return retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto old, read_database(scope, name));
    database.name = old.value.name;
    database.uid = old.value.uid;
    database.create_ms = old.value.create_ms;
    database.tags = old.value.tags;
    meta::Batch batch;
    batch.expect_value(meta_family, old.key, old.bytes)
        .put(meta_family, old.key, codec::encode_record(database));
    return commit(std::move(batch));
  });
}

Status Catalog::change_tags(const Scope& scope, std::string_view name,
                            const std::function<Status(Parameters&)>& change) {
  return retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto database, read_database(scope, name));
    MEKONG_TRY(change(database.value.tags));
    meta::Batch batch;
    batch.expect_value(meta_family, database.key, database.bytes)
        .put(meta_family, database.key, codec::encode_record(database.value));
    return commit(std::move(batch));
  });
}

Status Catalog::delete_database(const Scope& scope, std::string_view name) {
  std::string uid;
  MEKONG_TRY(retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto old, read_database(scope, name));
    uid = old.value.uid;
    meta::Batch batch;
    batch.expect_value(meta_family, old.key, old.bytes).remove(meta_family, old.key);
    return commit(std::move(batch));
  }));
  // Nobody can reach what hangs on the uid any more; the rest is sweeping up.
  const std::string tables = keys::tables(uid);
  while (true) {
    MEKONG_TRY_ASSIGN(auto page, read_page<Table>(store_, tables, {.after = "", .limit = 100}));
    for (const auto& table : page.items) {
      MEKONG_TRY(delete_prefix(keys::partition(table.uid, {})));
      MEKONG_TRY(delete_prefix(keys::versions(table.uid)));
      meta::Batch batch;
      batch.remove(meta_family, keys::table(uid, table.name));
      MEKONG_TRY(commit(std::move(batch)));
    }
    if (page.next.empty()) break;
  }
  return delete_prefix(keys::functions(uid));
}

Status Catalog::delete_prefix(const std::string& prefix) const {
  while (true) {
    MEKONG_TRY_ASSIGN(auto found, store_.scan(meta_family, meta::prefix_range(prefix, 1000)));
    if (found.empty()) return ok();
    meta::Batch batch;
    for (auto& pair : found) batch.remove(meta_family, std::move(pair.key));
    MEKONG_TRY(commit(std::move(batch)));
  }
}

}  // namespace mekong::catalog
