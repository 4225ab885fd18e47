// Statements on the catalogue itself.
#include <fmt/format.h>

#include "codec/json.h"
#include "codec/text.h"
#include "services/athena/session.h"

namespace mekong::athena {
namespace {

std::vector<catalog::Column> columns_of(const std::vector<sql::TableColumn>& columns) {
  std::vector<catalog::Column> found;
  for (const auto& column : columns) found.push_back({column.name, column.type, column.comment, {}});
  return found;
}

// What a view's query is kept as: view_text() in queries.cpp reads it.
std::string view_record(const std::string& sql, const std::string& schema,
                        const std::vector<sql::ResultColumn>& columns) {
  std::string json;
  codec::JsonWriter writer(json);
  writer.begin_object();
  writer.key("originalSql");
  writer.value(sql);
  writer.key("catalog");
  writer.value("awsdatacatalog");
  writer.key("schema");
  writer.value(schema);
  writer.key("columns");
  writer.begin_array();
  for (const auto& column : columns) {
    writer.begin_object();
    writer.key("name");
    writer.value(column.name);
    writer.key("type");
    writer.value(column.trino);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
  return "/* Presto View: " + codec::base64_encode(json) + " */";
}

Error refused(const std::string& name, const char* why) {
  return {"NOT_SUPPORTED", fmt::format("line 1:1: '{}' {}", name, why)};
}

}  // namespace

Status Session::create_database(const sql::Statement& statement) {
  const auto name = catalog::fold_name(statement.target.database);
  MEKONG_TRY(may("glue:CreateDatabase", sql::TableName{name, {}}));
  catalog::Database database;
  database.name = name;
  database.description = statement.comment;
  database.location = statement.location;
  database.parameters = statement.properties;
  if (!statement.location.empty()) MEKONG_TRY(objects::parse_location(statement.location));
  const auto made = engines_.catalog.create_database(scope_, std::move(database));
  const bool exists = !made.ok() && made.error().code == "AlreadyExistsException";
  if (!made.ok() && !(exists && statement.if_exists)) return made;
  return write_lines({}, {});
}

Status Session::drop_database(const sql::Statement& statement) {
  const auto name = catalog::fold_name(statement.target.database);
  MEKONG_TRY(may("glue:DeleteDatabase", sql::TableName{name, {}}));
  const auto tables = engines_.catalog.list_tables(scope_, name, {});
  if (tables.ok() && !tables->items.empty() && !statement.cascade) {
    return Error{"InvalidOperationException",
                 fmt::format("Database {} is not empty. One or more tables exist.", name)};
  }
  while (statement.cascade) {
    const auto page = engines_.catalog.list_tables(scope_, name, {});
    if (!page.ok() || page->items.empty()) break;
    for (const auto& table : page->items) {
      MEKONG_TRY(may("glue:DeleteTable", sql::TableName{name, table.name}));
      MEKONG_TRY(engines_.catalog.delete_table(scope_, {name, table.name}));
    }
  }
  const auto dropped = engines_.catalog.delete_database(scope_, name);
  const bool absent = !dropped.ok() && dropped.error().code == "EntityNotFoundException";
  if (!dropped.ok() && !(absent && statement.if_exists)) return dropped;
  return write_lines({}, {});
}

Status Session::create_table(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY(may("glue:CreateTable", name));
  MEKONG_TRY(objects::parse_location(statement.location));
  catalog::Table made;
  made.database = name.database;
  made.name = name.table;
  made.description = statement.comment;
  made.type = "EXTERNAL_TABLE";
  made.parameters = statement.properties;
  made.parameters["EXTERNAL"] = "TRUE";
  made.partition_keys = columns_of(statement.keys);
  auto& storage = made.storage.emplace();
  storage.columns = columns_of(statement.columns);
  storage.location = statement.location;
  storage.input_format = statement.format.input_format;
  storage.output_format = statement.format.output_format;
  storage.serde.library = statement.format.serde;
  storage.serde.parameters = statement.format.properties;
  storage.serde.parameters.try_emplace("serialization.format", "1");
  const auto done = engines_.catalog.create_table(scope_, std::move(made));
  const bool exists = !done.ok() && done.error().code == "AlreadyExistsException";
  if (!done.ok() && !(exists && statement.if_exists)) return done;
  return write_lines({}, {});
}

Status Session::drop_table(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  const bool of_view = statement.operation == "drop_view";
  MEKONG_TRY(may("glue:DeleteTable", name));
  const auto known = engines_.catalog.get_table(scope_, {name.database, name.table});
  if (!known.ok() && known.error().code == "EntityNotFoundException" && statement.if_exists) {
    return write_lines({}, {});
  }
  if (!known.ok()) return known.error();
  const bool is_view = known->type == "VIRTUAL_VIEW";
  if (of_view && !is_view) return refused(name.table, "is a table: use DROP TABLE");
  if (!of_view && is_view) return refused(name.table, "is a view: use DROP VIEW");
  MEKONG_TRY(engines_.catalog.delete_table(scope_, {name.database, name.table}));
  return write_lines({}, {});
}

// Decided from what is there: done again where somebody else changed it meanwhile.
Status Session::change_table(const sql::TableName& name,
                             const std::function<Status(catalog::Table&)>& change) {
  MEKONG_TRY(may("glue:UpdateTable", name));
  for (int attempts = 0; attempts < 10; ++attempts) {
    MEKONG_TRY_ASSIGN(auto found, table("glue:GetTable", name));
    if (found.type == "VIRTUAL_VIEW" || !found.storage) return refused(name.table, "is no table");
    const auto version = found.version;
    MEKONG_TRY(change(found));
    const auto done = engines_.catalog.update_table(scope_, {name.database, name.table}, std::move(found),
                                                    {.expected_version = version});
    if (done.ok()) return write_lines({}, {});
    if (done.error().code != "ConcurrentModificationException") return done;
  }
  return Error{"ConcurrentModificationException", "The table is changed by others all the time"};
}

Status Session::change_columns(const sql::Statement& statement) {
  return change_table(full_name(statement.target), [&](catalog::Table& table) -> Status {
    auto& columns = table.storage->columns;
    if (statement.operation == "replace_columns") columns.clear();
    for (auto& added : columns_of(statement.columns)) {
      for (const auto* known : {&columns, &table.partition_keys}) {
        const auto same = [&added](const catalog::Column& column) { return column.name == added.name; };
        if (std::any_of(known->begin(), known->end(), same)) {
          return Error{"SemanticException", "Duplicate column name: " + added.name};
        }
      }
      columns.push_back(std::move(added));
    }
    return ok();
  });
}

Status Session::set_location(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY(objects::parse_location(statement.location));
  if (statement.partitions.empty()) {
    return change_table(name, [&](catalog::Table& table) -> Status {
      table.storage->location = statement.location;
      return ok();
    });
  }
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", name));
  MEKONG_TRY(may("glue:UpdatePartition", name));
  std::vector<std::string> values;
  for (const auto& key : found.partition_keys) {
    const auto given = statement.partitions[0].values.find(key.name);
    if (given == statement.partitions[0].values.end()) {
      return Error{"SemanticException", "Partition spec lacks the key " + key.name};
    }
    values.push_back(given->second);
  }
  MEKONG_TRY_ASSIGN(auto partition,
                    engines_.catalog.get_partition(scope_, {name.database, name.table}, values));
  if (!partition.storage) partition.storage = found.storage;
  if (!partition.storage) return refused(name.table, "is no table");
  partition.storage->location = statement.location;
  MEKONG_TRY(
      engines_.catalog.update_partition(scope_, {name.database, name.table}, values, std::move(partition)));
  return write_lines({}, {});
}

Status Session::set_properties(const sql::Statement& statement) {
  return change_table(full_name(statement.target), [&](catalog::Table& table) -> Status {
    for (const auto& [key, value] : statement.properties) table.parameters[key] = value;
    return ok();
  });
}

Status Session::create_view(const sql::Statement& statement) {
  const auto name = full_name(statement.target);
  MEKONG_TRY_ASSIGN(auto query, load(statement));
  query.sql = "SELECT * FROM (" + query.sql + ") q LIMIT 0";
  std::vector<sql::ResultColumn> columns;
  sql::ResultSink sink;
  sink.columns = [&](const std::vector<sql::ResultColumn>& found) -> Status {
    columns = found;
    return ok();
  };
  sink.row = [](const sql::ResultRow&) -> Status { return ok(); };
  MEKONG_TRY(worker_.run(query, sink));
  catalog::Table view;
  view.database = name.database;
  view.name = name.table;
  view.type = "VIRTUAL_VIEW";
  view.parameters = {{"presto_view", "true"}, {"comment", "Presto View"}};
  view.view_original_text = view_record(statement.text, execution_.database, columns);
  view.view_expanded_text = "/* Presto View */";
  auto& storage = view.storage.emplace();
  for (const auto& column : columns) {
    storage.columns.push_back({column.name, column.hive.empty() ? "string" : column.hive, "", {}});
  }
  const auto known = engines_.catalog.get_table(scope_, {name.database, name.table});
  if (known.ok() && known->type != "VIRTUAL_VIEW") return refused(name.table, "is a table");
  if (known.ok() && !statement.replace) {
    return Error{"ALREADY_EXISTS", fmt::format("line 1:1: View already exists: 'awsdatacatalog.{}.{}'",
                                               name.database, name.table)};
  }
  if (known.ok()) {
    MEKONG_TRY(may("glue:UpdateTable", name));
    MEKONG_TRY(engines_.catalog.update_table(scope_, {name.database, name.table}, std::move(view)));
  } else {
    MEKONG_TRY(may("glue:CreateTable", name));
    MEKONG_TRY(engines_.catalog.create_table(scope_, std::move(view)));
  }
  return write_lines({}, {});
}

}  // namespace mekong::athena
