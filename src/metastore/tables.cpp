#include <algorithm>

#include "metastore/handler.h"

namespace mekong::metastore {
namespace {

// Hive stamps each definition with the second of its last change.
void stamp(catalog::Table& table, int64_t now_ms) {
  table.parameters["transient_lastDdlTime"] = std::to_string(now_ms / 1000);
}

std::string location_of(const catalog::Table& table) {
  return table.storage ? table.storage->location : "";
}

bool has_location(const catalog::Table& table) {
  return table.type != "VIRTUAL_VIEW";
}

std::string trimmed(std::string location) {
  while (location.ends_with('/')) location.pop_back();
  return location;
}

}  // namespace

std::vector<catalog::Table> Handler::tables(const std::string& database) const {
  std::vector<catalog::Table> all;
  catalog::PageRequest page;
  do {
    auto found = catalog().list_tables(scope(), database, page);
    if (!found.ok() && found.error().code == "EntityNotFoundException") return {};
    auto items = value_or_throw(std::move(found), throw_meta);
    std::move(items.items.begin(), items.items.end(), std::back_inserter(all));
    page.after = items.next;
  } while (!page.after.empty());
  return all;
}

void Handler::create_table(const thrift::Table& table) {
  session_.allow("glue:CreateTable", {.database = table.dbName, .table = table.tableName});
  auto made = value_or_throw(from_thrift(table), throw_create);
  const auto database = value_or_throw(catalog().get_database(scope(), made.database), throw_create);
  if (has_location(made) && location_of(made).empty()) {
    made.storage->location =
        trimmed(session_.database_location(database)) + "/" + catalog::fold_name(made.name);
  }
  made.created_by = session_.principal()->arn;
  if (!made.parameters.contains("transient_lastDdlTime")) stamp(made, session_.clock().wall_ms());
  ok_or_throw(catalog().create_table(scope(), std::move(made)), throw_create);
}

void Handler::remove_data(const std::vector<std::string>& locations) const {
  for (const auto& location : locations) {
    ok_or_throw(session_.folders().remove(session_.principal(), location), throw_meta);
  }
}

void Handler::drop_table(const std::string& database, const std::string& name, bool delete_data) {
  session_.allow("glue:DeleteTable", {.database = database, .table = name});
  const auto table = value_or_throw(catalog().get_table(scope(), {database, name}), throw_read);
  std::vector<std::string> locations;
  if (delete_data && is_managed(table) && !location_of(table).empty()) {
    const std::string inside = trimmed(location_of(table)) + "/";
    locations.push_back(inside);
    each_partition(table, {}, nullptr, -1, [&](const catalog::Partition& partition) {
      if (partition.storage && !partition.storage->location.empty() &&
          !partition.storage->location.starts_with(inside)) {
        locations.push_back(partition.storage->location);
      }
    });
    for (const auto& location : locations) ok_or_throw(session_.folders().supports(location), throw_meta);
  }
  ok_or_throw(catalog().delete_table(scope(), {database, name}), throw_read);
  remove_data(locations);
}

void Handler::alter_table_with_environment_context(const std::string& database, const std::string& name,
                                                   const thrift::Table& table, const Context& context) {
  const auto cascade = context.properties.find("CASCADE");
  if (cascade != context.properties.end() && catalog::fold_name(cascade->second) == "true") {
    throw_meta({"NotImplemented", "ALTER TABLE … CASCADE is not implemented"});
  }
  alter_table(database, name, table);
}

void Handler::alter_table(const std::string& database, const std::string& name, const thrift::Table& table) {
  session_.allow("glue:UpdateTable", {.database = database, .table = name});
  auto made = value_or_throw(from_thrift(table), throw_alter);
  if (catalog::fold_name(made.database) != catalog::fold_name(database)) {
    throw_meta({"NotImplemented", "moving a table to another database is not implemented"});
  }
  const bool renamed = catalog::fold_name(made.name) != catalog::fold_name(name);
  if (renamed) session_.allow("glue:CreateTable", {.database = database, .table = made.name});
  const auto old = value_or_throw(catalog().get_table(scope(), {database, name}), throw_alter);
  std::vector<std::string> left_behind;
  // As Hive: a managed table that is renamed takes its folder with it, unless the caller names one.
  if (renamed && is_managed(old) && has_location(old) &&
      (location_of(made).empty() || trimmed(location_of(made)) == trimmed(location_of(old)))) {
    const auto owner = value_or_throw(catalog().get_database(scope(), database), throw_alter);
    const std::string from = trimmed(location_of(old)) + "/";
    const std::string to = trimmed(session_.database_location(owner)) + "/" + catalog::fold_name(made.name);
    ok_or_throw(session_.folders().copy(session_.principal(), from, to + "/"), throw_meta);
    made.storage->location = to;
    left_behind.push_back(from);
  }
  stamp(made, session_.clock().wall_ms());
  catalog::UpdateTableOptions options;
  options.expected_version = old.version;
  ok_or_throw(catalog().update_table(scope(), {database, name}, std::move(made), options), throw_alter);
  remove_data(left_behind);
}

void Handler::get_table(thrift::Table& out, const std::string& database, const std::string& name) {
  session_.allow("glue:GetTable", {.database = database, .table = name});
  out = to_thrift(value_or_throw(catalog().get_table(scope(), {database, name}), throw_read));
}

void Handler::get_table_req(thrift::GetTableResult& out, const thrift::GetTableRequest& request) {
  get_table(out.table, request.dbName, request.tblName);
}

void Handler::get_table_objects_by_name(std::vector<thrift::Table>& out, const std::string& database,
                                        const Names& names) {
  for (const auto& name : names) {
    session_.allow("glue:GetTable", {.database = database, .table = name});
    auto table = catalog().get_table(scope(), {database, name});
    if (table.ok()) {
      out.push_back(to_thrift(*table));
    } else if (table.error().code != "EntityNotFoundException") {
      throw_meta(table.error());
    }
  }
}

void Handler::get_table_objects_by_name_req(thrift::GetTablesResult& out,
                                            const thrift::GetTablesRequest& request) {
  get_table_objects_by_name(out.tables, request.dbName, request.tblNames);
}

void Handler::get_tables(Names& out, const std::string& database, const std::string& pattern) {
  get_tables_by_type(out, database, pattern, "");
}

void Handler::get_tables_by_type(Names& out, const std::string& database, const std::string& pattern,
                                 const std::string& type) {
  session_.allow("glue:GetTables", {.database = database});
  for (const auto& table : tables(database)) {
    const bool wanted = type.empty() || to_thrift(table).tableType == type;
    if (wanted && matches_pattern(pattern, table.name)) out.push_back(table.name);
  }
}

void Handler::get_table_meta(std::vector<thrift::TableMeta>& out, const std::string& database_pattern,
                             const std::string& table_pattern, const Names& types) {
  session_.allow("glue:GetDatabases", {});
  for (const auto& database : databases()) {
    if (!matches_pattern(database_pattern, database.name)) continue;
    session_.allow("glue:GetTables", {.database = database.name});
    for (const auto& table : tables(database.name)) {
      if (!matches_pattern(table_pattern, table.name)) continue;
      thrift::TableMeta meta;
      meta.dbName = database.name;
      meta.tableName = table.name;
      meta.tableType = to_thrift(table).tableType;
      if (!types.empty() && std::find(types.begin(), types.end(), meta.tableType) == types.end()) continue;
      const auto comment = table.parameters.find("comment");
      if (comment != table.parameters.end()) meta.__set_comments(comment->second);
      out.push_back(std::move(meta));
    }
  }
}

void Handler::get_fields(std::vector<thrift::FieldSchema>& out, const std::string& database,
                         const std::string& name) {
  thrift::Table table;
  get_table(table, database, name);
  out = table.sd.cols;
}

void Handler::get_schema(std::vector<thrift::FieldSchema>& out, const std::string& database,
                         const std::string& name) {
  thrift::Table table;
  get_table(table, database, name);
  out = table.sd.cols;
  out.insert(out.end(), table.partitionKeys.begin(), table.partitionKeys.end());
}

}  // namespace mekong::metastore
