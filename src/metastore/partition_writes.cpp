#include <algorithm>

#include "metastore/handler.h"

namespace mekong::metastore {
namespace {

std::string folder(const catalog::Table& table, const Names& values) {
  std::string location = table.storage ? table.storage->location : "";
  if (location.empty()) return "";
  if (!location.ends_with('/')) location += '/';
  return location + partition_name(table.partition_keys, values);
}

std::string location_of(const catalog::Partition& partition) {
  return partition.storage ? partition.storage->location : "";
}

}  // namespace

std::vector<catalog::Partition> Handler::to_add(const catalog::Table& table,
                                                const Partitions& partitions) const {
  std::vector<catalog::Partition> made;
  for (const auto& partition : partitions) {
    auto one = value_or_throw(from_thrift(partition), throw_add);
    if (location_of(one).empty()) one.storage->location = folder(table, one.values);
    one.parameters.emplace("transient_lastDdlTime", std::to_string(session_.clock().wall_ms() / 1000));
    made.push_back(std::move(one));
  }
  return made;
}

void Handler::add_partition(thrift::Partition& out, const thrift::Partition& partition) {
  session_.allow("glue:CreatePartition", {.database = partition.dbName, .table = partition.tableName});
  const catalog::TableName name{partition.dbName, partition.tableName};
  const auto table = value_or_throw(catalog().get_table(scope(), name), throw_add);
  auto made = to_add(table, {partition});
  ok_or_throw(catalog().create_partitions(scope(), name, made), throw_add);
  out = to_thrift(made.front(), table);
}

int32_t Handler::add_partitions(const Partitions& partitions) {
  if (partitions.empty()) return 0;
  thrift::AddPartitionsRequest request;
  request.dbName = partitions.front().dbName;
  request.tblName = partitions.front().tableName;
  request.parts = partitions;
  thrift::AddPartitionsResult result;
  add_partitions_req(result, request);
  return static_cast<int32_t>(partitions.size());
}

void Handler::add_partitions_req(thrift::AddPartitionsResult& out,
                                 const thrift::AddPartitionsRequest& request) {
  session_.allow("glue:BatchCreatePartition", {.database = request.dbName, .table = request.tblName});
  const catalog::TableName name{request.dbName, request.tblName};
  const auto table = value_or_throw(catalog().get_table(scope(), name), throw_add);
  const auto made = to_add(table, request.parts);
  ok_or_throw(catalog().create_partitions(scope(), name, made, request.ifNotExists), throw_add);
  if (!request.needResult) return;
  std::vector<thrift::Partition> added;
  for (const auto& partition : made) added.push_back(to_thrift(partition, table));
  out.__set_partitions(added);
}

void Handler::drop_values(const catalog::Table& table, const Names& values, bool delete_data) const {
  const catalog::TableName name{table.database, table.name};
  const auto partition = value_or_throw(catalog().get_partition(scope(), name, values), throw_read);
  std::vector<std::string> locations;
  if (delete_data && is_managed(table) && !location_of(partition).empty()) {
    ok_or_throw(session_.folders().supports(location_of(partition)), throw_meta);
    locations.push_back(location_of(partition));
  }
  ok_or_throw(catalog().delete_partition(scope(), name, values), throw_read);
  remove_data(locations);
}

bool Handler::drop_partition(const std::string& database, const std::string& table, const Names& values,
                             bool delete_data) {
  drop_values(table_for("glue:DeletePartition", database, table), values, delete_data);
  return true;
}

void Handler::drop_partitions_req(thrift::DropPartitionsResult& out,
                                  const thrift::DropPartitionsRequest& request) {
  if (!request.parts.exprs.empty()) {
    throw_meta({"NotImplemented", "drop_partitions_req by expressions is not implemented; by names it is"});
  }
  const auto table = table_for("glue:BatchDeletePartition", request.dbName, request.tblName);
  for (const auto& name : request.parts.names) {
    const auto values = value_or_throw(partition_values(table.partition_keys, name), throw_read);
    auto found = catalog().get_partition(scope(), {request.dbName, request.tblName}, values);
    if (!found.ok() && request.ifExists && found.error().code == "EntityNotFoundException") continue;
    if (request.needResult && found.ok()) out.partitions.push_back(to_thrift(*found, table));
    drop_values(table, values, request.deleteData);
  }
  if (request.needResult) out.__isset.partitions = true;
}

void Handler::alter_partition(const std::string& database, const std::string& table,
                              const thrift::Partition& partition) {
  alter_partitions(database, table, {partition});
}

void Handler::alter_partitions(const std::string& database, const std::string& table,
                               const Partitions& partitions) {
  session_.allow("glue:UpdatePartition", {.database = database, .table = table});
  for (const auto& partition : partitions) {
    auto made = value_or_throw(from_thrift(partition), throw_alter);
    made.parameters["transient_lastDdlTime"] = std::to_string(session_.clock().wall_ms() / 1000);
    ok_or_throw(catalog().update_partition(scope(), {database, table}, partition.values, std::move(made)),
                throw_alter);
  }
}

void Handler::rename_partition(const std::string& database, const std::string& table, const Names& values,
                               const thrift::Partition& partition) {
  session_.allow("glue:UpdatePartition", {.database = database, .table = table});
  const catalog::TableName name{database, table};
  const auto owner = value_or_throw(catalog().get_table(scope(), name), throw_alter);
  const auto old = value_or_throw(catalog().get_partition(scope(), name, values), throw_alter);
  auto made = value_or_throw(from_thrift(partition), throw_alter);
  std::vector<std::string> left_behind;
  // As Hive: a managed table's partition moves to the folder of its new name.
  if (is_managed(owner) && !location_of(old).empty()) {
    made.storage->location = folder(owner, made.values);
    ok_or_throw(
        session_.folders().copy(session_.principal(), location_of(old) + "/", location_of(made) + "/"),
        throw_meta);
    left_behind.push_back(location_of(old));
  }
  ok_or_throw(catalog().update_partition(scope(), name, values, std::move(made)), throw_alter);
  remove_data(left_behind);
}

bool Handler::partition_name_has_valid_characters(const Names& values, bool throw_exception) {
  return true;  // any value is escaped on its way into a folder's name
}

}  // namespace mekong::metastore
