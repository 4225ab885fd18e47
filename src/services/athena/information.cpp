// information_schema: what the catalogue knows, as tables; as much of it as the caller may see.
#include <fmt/format.h>
#include <re2/re2.h>

#include "services/athena/session.h"

namespace mekong::athena {
namespace {

constexpr const char* catalog_name = "awsdatacatalog";

// A Hive type in Trino's words.
std::string trino_type(std::string type) {
  const std::pair<const char*, const char*> words[] = {{"\\bstring\\b", "varchar"},
                                                       {"\\bint\\b", "integer"},
                                                       {"\\bfloat\\b", "real"},
                                                       {"\\bbinary\\b", "varbinary"},
                                                       {"\\bstruct<", "row("},
                                                       {"<", "("},
                                                       {">", ")"},
                                                       {":", " "},
                                                       {",", ", "},
                                                       {"\\btimestamp\\b", "timestamp(3)"}};
  for (const auto& [from, to] : words) RE2::GlobalReplace(&type, from, to);
  return type;
}

std::vector<sql::TableColumn> texts(const std::vector<const char*>& names) {
  std::vector<sql::TableColumn> columns;
  for (const char* name : names) columns.push_back({name, "string", "", 0});
  return columns;
}

}  // namespace

Result<std::vector<catalog::Table>> Session::visible_tables(const std::vector<std::string>& databases) const {
  std::vector<catalog::Table> found;
  for (const auto& database : databases) {
    if (!may("glue:GetTables", sql::TableName{database, {}}).ok()) continue;
    catalog::PageRequest page;
    do {
      MEKONG_TRY_ASSIGN(auto tables, engines_.catalog.list_tables(scope_, database, page));
      for (auto& table : tables.items) {
        if (may("glue:GetTables", sql::TableName{database, table.name}).ok())
          found.push_back(std::move(table));
      }
      page.after = tables.next;
    } while (!page.after.empty());
  }
  return found;
}

Status Session::add_information(const sql::TableName& name) {
  MEKONG_TRY(may("glue:GetDatabases", sql::TableName{}));
  std::vector<std::string> databases;
  catalog::PageRequest page;
  do {
    MEKONG_TRY_ASSIGN(const auto found, engines_.catalog.list_databases(scope_, page));
    for (const auto& database : found.items) databases.push_back(database.name);
    page.after = found.next;
  } while (!page.after.empty());
  Source source;
  source.table.database = name.database;
  source.table.table = name.table;
  auto& rows = source.table.rows.emplace();
  if (name.table == "schemata") {
    source.table.columns = texts({"catalog_name", "schema_name"});
    for (const auto& database : databases) rows.push_back({catalog_name, database});
  } else if (name.table == "tables") {
    source.table.columns = texts({"table_catalog", "table_schema", "table_name", "table_type"});
    MEKONG_TRY_ASSIGN(const auto tables, visible_tables(databases));
    for (const auto& table : tables) {
      rows.push_back(
          {catalog_name, table.database, table.name, table.type == "VIRTUAL_VIEW" ? "VIEW" : "BASE TABLE"});
    }
  } else if (name.table == "columns") {
    source.table.columns = texts({"table_catalog", "table_schema", "table_name", "column_name",
                                  "ordinal_position", "is_nullable", "data_type", "comment", "extra_info"});
    source.table.columns[4].type = "bigint";
    MEKONG_TRY_ASSIGN(const auto tables, visible_tables(databases));
    for (const auto& table : tables) add_columns_of(table, rows);
  } else {
    return Error{"NotImplemented", "information_schema." + name.table + " is not implemented"};
  }
  sources_.push_back(std::move(source));
  return ok();
}

void Session::add_columns_of(const catalog::Table& table, std::vector<std::vector<std::string>>& rows) {
  int64_t position = 0;
  const auto add = [&](const catalog::Column& column, const char* extra) {
    rows.push_back({catalog_name, table.database, table.name, column.name, std::to_string(++position), "YES",
                    trino_type(column.type), column.comment, extra});
  };
  if (table.storage) {
    for (const auto& column : table.storage->columns) add(column, "");
  }
  for (const auto& key : table.partition_keys) add(key, "partition key");
}

}  // namespace mekong::athena
