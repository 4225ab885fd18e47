#include <algorithm>

#include "metastore/handler.h"

namespace mekong::metastore {
namespace {

// The leading values that are given; Hive's partial specification leaves the others empty.
Names leading(const Names& values) {
  const auto end = std::find(values.begin(), values.end(), "");
  return {values.begin(), end};
}

bool fits(const Names& wanted, const Names& values) {
  for (size_t i = 0; i < wanted.size() && i < values.size(); ++i) {
    if (!wanted[i].empty() && wanted[i] != values[i]) return false;
  }
  return true;
}

}  // namespace

catalog::Table Handler::table_for(std::string_view action, const std::string& database,
                                  const std::string& name) const {
  session_.allow(action, {.database = database, .table = name});
  return value_or_throw(catalog().get_table(scope(), {database, name}), throw_read);
}

void Handler::each_partition(const catalog::Table& table, const Names& prefix,
                             const catalog::PartitionFilter* filter, int32_t max, const Visit& visit) const {
  if (table.partition_keys.empty()) return;
  catalog::PartitionQuery query;
  query.prefix = leading(prefix);
  query.filter = filter;
  query.page.limit = 1000;
  int32_t left = max;
  do {
    auto page =
        value_or_throw(catalog().list_partitions(scope(), {table.database, table.name}, query), throw_read);
    for (auto& partition : page.items) {
      if (!fits(prefix, partition.values)) continue;
      if (max >= 0 && left-- == 0) return;
      visit(std::move(partition));
    }
    query.page.after = page.next;
  } while (!query.page.after.empty());
}

void Handler::get_partition(thrift::Partition& out, const std::string& database, const std::string& table,
                            const Names& values) {
  const auto owner = table_for("glue:GetPartition", database, table);
  out = to_thrift(value_or_throw(catalog().get_partition(scope(), {database, table}, values), throw_read),
                  owner);
}

void Handler::get_partition_by_name(thrift::Partition& out, const std::string& database,
                                    const std::string& table, const std::string& name) {
  const auto owner = table_for("glue:GetPartition", database, table);
  const auto values = value_or_throw(partition_values(owner.partition_keys, name), throw_read);
  out = to_thrift(value_or_throw(catalog().get_partition(scope(), {database, table}, values), throw_read),
                  owner);
}

void Handler::get_partition_names(Names& out, const std::string& database, const std::string& table,
                                  int16_t max) {
  session_.allow("glue:GetPartitions", {.database = database, .table = table});
  const auto owner = value_or_throw(catalog().get_table(scope(), {database, table}), throw_meta);
  each_partition(owner, {}, nullptr, max, [&](const catalog::Partition& partition) {
    out.push_back(partition_name(owner.partition_keys, partition.values));
  });
}

void Handler::get_partitions_ps(Partitions& out, const std::string& database, const std::string& table,
                                const Names& values, int16_t max) {
  const auto owner = table_for("glue:GetPartitions", database, table);
  each_partition(owner, values, nullptr, max,
                 [&](const catalog::Partition& partition) { out.push_back(to_thrift(partition, owner)); });
}

void Handler::get_partition_names_ps(Names& out, const std::string& database, const std::string& table,
                                     const Names& values, int16_t max) {
  const auto owner = table_for("glue:GetPartitions", database, table);
  each_partition(owner, values, nullptr, max, [&](const catalog::Partition& partition) {
    out.push_back(partition_name(owner.partition_keys, partition.values));
  });
}

void Handler::get_partitions_by_filter(Partitions& out, const std::string& database, const std::string& table,
                                       const std::string& filter, int16_t max) {
  const auto owner = table_for("glue:GetPartitions", database, table);
  if (filter.empty()) return get_partitions_ps(out, database, table, {}, max);
  const auto parsed = value_or_throw(
      catalog::PartitionFilter::parse(filter, owner.partition_keys, catalog::FilterDialect::hive),
      throw_meta);
  each_partition(owner, {}, &parsed, max,
                 [&](const catalog::Partition& partition) { out.push_back(to_thrift(partition, owner)); });
}

int32_t Handler::get_num_partitions_by_filter(const std::string& database, const std::string& table,
                                              const std::string& filter) {
  Partitions found;
  get_partitions_by_filter(found, database, table, filter, -1);
  return static_cast<int32_t>(found.size());
}

void Handler::get_partitions_by_names(Partitions& out, const std::string& database, const std::string& table,
                                      const Names& names) {
  const auto owner = table_for("glue:BatchGetPartition", database, table);
  std::vector<Names> wanted;
  for (const auto& name : names) {
    wanted.push_back(value_or_throw(partition_values(owner.partition_keys, name), throw_read));
  }
  const auto found = value_or_throw(catalog().get_partitions(scope(), {database, table}, wanted), throw_read);
  for (const auto& partition : found) out.push_back(to_thrift(partition, owner));
}

}  // namespace mekong::metastore
