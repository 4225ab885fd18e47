#include <algorithm>
#include <set>

#include "catalog/catalog.h"
#include "catalog/keys.h"
#include "catalog/records.h"

namespace mekong::catalog {
namespace {

Status check_table(const Table& table) {
  MEKONG_TRY(check_name("Table", table.name));
  std::set<std::string> names;
  const auto check = [&](const std::vector<Column>& columns) -> Status {
    for (const auto& column : columns) {
      MEKONG_TRY(check_name("Column", column.name));
      if (!names.insert(fold_name(column.name)).second) {
        return invalid_input(fmt::format("Column {} is there twice.", column.name));
      }
    }
    return ok();
  };
  if (table.storage) MEKONG_TRY(check(table.storage->columns));
  return check(table.partition_keys);
}

// Fills what the catalogue keeps itself.
void carry_over(Table& table, const Table& old, const UpdateTableOptions& options, int64_t now_ms) {
  table.database = old.database;
  table.uid = old.uid;
  table.version = old.version + 1;
  table.update_ms = now_ms;
  table.created_by = old.created_by;
  if (options.keep_create_time) table.create_ms = old.create_ms;
}

bool same_keys(const std::vector<Column>& a, const std::vector<Column>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Column& x, const Column& y) { return fold_name(x.name) == fold_name(y.name); });
}

}  // namespace

Result<Catalog::Stored<Table>> Catalog::read_table(const Scope& scope, const TableName& name) const {
  MEKONG_TRY_ASSIGN(auto database, read_database(scope, name.database));
  const std::string folded = fold_name(name.table);
  std::string key = keys::table(database.value.uid, folded);
  MEKONG_TRY_ASSIGN(auto bytes, store_.get(meta_family, key));
  if (!bytes) return not_found(fmt::format("Table {} not found.", folded));
  MEKONG_TRY_ASSIGN(auto table, codec::decode_record<Table>(*bytes));
  return Stored<Table>{std::move(table), std::move(key), std::move(*bytes)};
}

Status Catalog::create_table(const Scope& scope, Table table) {
  table.name = fold_name(table.name);
  MEKONG_TRY(check_table(table));
  const int64_t now_ms = clock_.wall_ms();
  if (table.create_ms == 0) table.create_ms = now_ms;
  table.update_ms = now_ms;
  table.version = 0;
  table.uid = random_.hex(32);
  return retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto database, read_database(scope, table.database));
    table.database = database.value.name;
    const std::string key = keys::table(database.value.uid, table.name);
    MEKONG_TRY_ASSIGN(auto existing, store_.get(meta_family, key));
    if (existing) return already_exists("Table already exists.");
    meta::Batch batch;
    batch.expect_value(meta_family, database.key, database.bytes);
    batch.expect_absent(meta_family, key).put(meta_family, key, codec::encode_record(table));
    return commit(std::move(batch));
  });
}

Result<Table> Catalog::get_table(const Scope& scope, const TableName& name) const {
  MEKONG_TRY_ASSIGN(auto stored, read_table(scope, name));
  return std::move(stored.value);
}

Result<Page<Table>> Catalog::list_tables(const Scope& scope, std::string_view database,
                                         const PageRequest& page) const {
  MEKONG_TRY_ASSIGN(auto owner, read_database(scope, database));
  return read_page<Table>(store_, keys::tables(owner.value.uid), page);
}

Status Catalog::update_table(const Scope& scope, const TableName& name, Table table,
                             const UpdateTableOptions& options) {
  table.name = fold_name(table.name);
  MEKONG_TRY(check_table(table));
  return retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto old, read_table(scope, name));
    if (options.expected_version && *options.expected_version != old.value.version) {
      return Error{
          "ConcurrentModificationException",
          fmt::format("Update table failed due to concurrent modifications: the version is {}, not {}.",
                      old.value.version, *options.expected_version)};
    }
    if (!same_keys(table.partition_keys, old.value.partition_keys) && table.type != "VIRTUAL_VIEW") {
      MEKONG_TRY_ASSIGN(auto any,
                        store_.scan(meta_family, meta::prefix_range(keys::partition(old.value.uid, {}), 1)));
      if (!any.empty()) return invalid_input("The partition keys of a table with partitions cannot change.");
    }
    MEKONG_TRY_ASSIGN(auto database, read_database(scope, name.database));
    carry_over(table, old.value, options, clock_.wall_ms());
    const std::string key = keys::table(database.value.uid, table.name);
    meta::Batch batch;
    batch.expect_value(meta_family, database.key, database.bytes);
    batch.expect_value(meta_family, old.key, old.bytes);
    if (key != old.key) {
      MEKONG_TRY_ASSIGN(auto taken, store_.get(meta_family, key));
      if (taken) return already_exists(fmt::format("Table {} already exists.", table.name));
      batch.expect_absent(meta_family, key).remove(meta_family, old.key);
    }
    batch.put(meta_family, key, codec::encode_record(table));
    if (options.keep_old_version) {
      batch.put(meta_family, keys::version(old.value.uid, old.value.version), old.bytes);
    }
    return commit(std::move(batch));
  });
}

Status Catalog::delete_table(const Scope& scope, const TableName& name) {
  std::string uid;
  MEKONG_TRY(retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto old, read_table(scope, name));
    uid = old.value.uid;
    meta::Batch batch;
    batch.expect_value(meta_family, old.key, old.bytes).remove(meta_family, old.key);
    return commit(std::move(batch));
  }));
  MEKONG_TRY(delete_prefix(keys::versions(uid)));
  return delete_prefix(keys::partition(uid, {}));
}

Result<Page<Table>> Catalog::table_versions(const Scope& scope, const TableName& name,
                                            const PageRequest& page) const {
  MEKONG_TRY_ASSIGN(auto current, read_table(scope, name));
  PageRequest older = page;
  const bool first = page.after.empty();
  if (first && older.limit > 1) --older.limit;  // room for the current one
  MEKONG_TRY_ASSIGN(auto result, read_page<Table>(store_, keys::versions(current.value.uid), older));
  if (first) result.items.insert(result.items.begin(), std::move(current.value));
  return result;
}

}  // namespace mekong::catalog
