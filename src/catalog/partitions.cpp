#include <algorithm>
#include <set>

#include "catalog/catalog.h"
#include "catalog/keys.h"
#include "catalog/records.h"

namespace mekong::catalog {
namespace {

// How many records one look at meta takes while a listing filters.
constexpr size_t scan_batch = 1000;

Status check_values(const Table& table, const std::vector<std::string>& values) {
  if (table.partition_keys.empty()) {
    return invalid_input(fmt::format("Table {} has no partition keys.", table.name));
  }
  if (values.size() != table.partition_keys.size()) {
    return invalid_input(
        fmt::format("The number of partition keys ({}) does not match the number of values ({}).",
                    table.partition_keys.size(), values.size()));
  }
  return ok();
}

// FNV-1a: stable, so that a segment means the same in every call.
uint64_t stable_hash(std::string_view bytes) {
  uint64_t hash = 14695981039346656037ULL;
  for (unsigned char c : bytes) hash = (hash ^ c) * 1099511628211ULL;
  return hash;
}

bool selected(const PartitionQuery& query, std::string_view key, const Partition& partition) {
  if (query.segment) {
    const auto total = static_cast<uint64_t>(query.segment->total);
    if (stable_hash(key) % total != static_cast<uint64_t>(query.segment->number)) return false;
  }
  return query.filter == nullptr || query.filter->matches(partition.values);
}

Error partition_exists() {
  return already_exists("Partition already exists.");
}

}  // namespace

// One batch of the partitions that are still to be written; fails where one exists and may not.
Result<meta::Batch> Catalog::partitions_batch(const Stored<Table>& table, std::vector<Partition>& partitions,
                                              bool skip_existing) const {
  meta::Batch batch;
  batch.expect_value(meta_family, table.key, table.bytes);
  std::set<std::string> seen;
  for (auto& partition : partitions) {
    MEKONG_TRY(check_values(table.value, partition.values));
    const std::string key = keys::partition(table.value.uid, partition.values);
    MEKONG_TRY_ASSIGN(auto existing, store_.get(meta_family, key));
    if (existing || !seen.insert(key).second) {
      if (skip_existing) continue;
      return partition_exists();
    }
    if (partition.create_ms == 0) partition.create_ms = clock_.wall_ms();
    batch.expect_absent(meta_family, key).put(meta_family, key, codec::encode_record(partition));
  }
  return batch;
}

Status Catalog::create_partitions(const Scope& scope, const TableName& name,
                                  std::vector<Partition> partitions, bool skip_existing) {
  return retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto table, read_table(scope, name));
    MEKONG_TRY_ASSIGN(auto batch, partitions_batch(table, partitions, skip_existing));
    if (batch.writes().empty()) return ok();
    return commit(std::move(batch));
  });
}

Result<std::vector<PartitionError>> Catalog::create_each_partition(const Scope& scope, const TableName& name,
                                                                   std::vector<Partition> partitions) {
  std::vector<PartitionError> errors;
  MEKONG_TRY(retry_conflicts([&]() -> Status {
    errors.clear();
    MEKONG_TRY_ASSIGN(auto table, read_table(scope, name));
    std::vector<Partition> good;
    std::set<std::vector<std::string>> seen;
    for (const auto& partition : partitions) {
      Status valid = check_values(table.value, partition.values);
      if (valid.ok()) {
        const std::string key = keys::partition(table.value.uid, partition.values);
        MEKONG_TRY_ASSIGN(auto existing, store_.get(meta_family, key));
        if (existing || !seen.insert(partition.values).second) valid = partition_exists();
      }
      if (valid.ok()) {
        good.push_back(partition);
      } else {
        errors.push_back({partition.values, std::move(valid).error()});
      }
    }
    if (good.empty()) return ok();
    auto batch = partitions_batch(table, good, false);
    if (!batch.ok() && batch.error().code == "AlreadyExistsException") {
      return Error{"ConditionFailed", "a partition was made by somebody else"};
    }
    if (!batch.ok()) return std::move(batch).error();
    return commit(std::move(batch).value());
  }));
  return errors;
}

Result<Catalog::Stored<Partition>> Catalog::read_partition(const Stored<Table>& table,
                                                           const std::vector<std::string>& values) const {
  MEKONG_TRY(check_values(table.value, values));
  std::string key = keys::partition(table.value.uid, values);
  MEKONG_TRY_ASSIGN(auto bytes, store_.get(meta_family, key));
  if (!bytes) return not_found("Cannot find partition.");
  MEKONG_TRY_ASSIGN(auto partition, codec::decode_record<Partition>(*bytes));
  return Stored<Partition>{std::move(partition), std::move(key), std::move(*bytes)};
}

Result<Partition> Catalog::get_partition(const Scope& scope, const TableName& name,
                                         const std::vector<std::string>& values) const {
  MEKONG_TRY_ASSIGN(auto table, read_table(scope, name));
  MEKONG_TRY_ASSIGN(auto stored, read_partition(table, values));
  return std::move(stored.value);
}

Result<std::vector<Partition>> Catalog::get_partitions(
    const Scope& scope, const TableName& name, const std::vector<std::vector<std::string>>& values) const {
  MEKONG_TRY_ASSIGN(auto table, read_table(scope, name));
  std::vector<Partition> found;
  for (const auto& wanted : values) {
    auto stored = read_partition(table, wanted);
    if (stored.ok()) {
      found.push_back(std::move(stored->value));
    } else if (stored.error().code != "EntityNotFoundException") {
      return std::move(stored).error();
    }
  }
  return found;
}

Result<Page<Partition>> Catalog::list_partitions(const Scope& scope, const TableName& name,
                                                 const PartitionQuery& query) const {
  MEKONG_TRY_ASSIGN(auto table, read_table(scope, name));
  if (query.prefix.size() > table.value.partition_keys.size()) {
    return invalid_input("More values than the table has partition keys.");
  }
  const std::string all = keys::partition(table.value.uid, {});
  auto range = meta::prefix_range(keys::partition(table.value.uid, query.prefix), scan_batch);
  if (!query.page.after.empty()) range.after = all + query.page.after;
  Page<Partition> page;
  std::string last;
  while (true) {
    MEKONG_TRY_ASSIGN(auto found, store_.scan(meta_family, range));
    for (const auto& pair : found) {
      MEKONG_TRY_ASSIGN(auto partition, codec::decode_record<Partition>(pair.value));
      if (!selected(query, pair.key, partition)) continue;
      if (page.items.size() == query.page.limit) {
        page.next = last.substr(all.size());
        return page;
      }
      last = pair.key;
      page.items.push_back(std::move(partition));
    }
    if (found.size() < scan_batch) return page;
    range.after = found.back().key;
  }
}

Status Catalog::update_partition(const Scope& scope, const TableName& name,
                                 const std::vector<std::string>& values, Partition partition) {
  return retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto table, read_table(scope, name));
    MEKONG_TRY_ASSIGN(auto old, read_partition(table, values));
    MEKONG_TRY(check_values(table.value, partition.values));
    if (partition.create_ms == 0) partition.create_ms = old.value.create_ms;
    const std::string key = keys::partition(table.value.uid, partition.values);
    meta::Batch batch;
    batch.expect_value(meta_family, table.key, table.bytes);
    batch.expect_value(meta_family, old.key, old.bytes);
    if (key != old.key) {
      MEKONG_TRY_ASSIGN(auto taken, store_.get(meta_family, key));
      if (taken) return partition_exists();
      batch.expect_absent(meta_family, key).remove(meta_family, old.key);
    }
    batch.put(meta_family, key, codec::encode_record(partition));
    return commit(std::move(batch));
  });
}

Status Catalog::delete_partition(const Scope& scope, const TableName& name,
                                 const std::vector<std::string>& values) {
  return retry_conflicts([&]() -> Status {
    MEKONG_TRY_ASSIGN(auto table, read_table(scope, name));
    MEKONG_TRY_ASSIGN(auto old, read_partition(table, values));
    meta::Batch batch;
    batch.expect_value(meta_family, old.key, old.bytes).remove(meta_family, old.key);
    return commit(std::move(batch));
  });
}

}  // namespace mekong::catalog
