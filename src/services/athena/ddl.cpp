// Statements on the catalogue itself.
#include <fmt/format.h>

#include "services/athena/runner.h"

namespace mekong::athena {

Result<std::vector<std::string>> Runner::names(Work& work, const sql::Statement& statement) {
  const auto scope = work.execution.scope();
  std::vector<std::string> found;
  catalog::PageRequest page;
  if (statement.operation == "show_databases") {
    MEKONG_TRY(may(work, "glue:GetDatabases", {}));
    do {
      MEKONG_TRY_ASSIGN(const auto databases, engines_.catalog.list_databases(scope, page));
      for (const auto& database : databases.items) found.push_back(database.name);
      page.after = databases.next;
    } while (!page.after.empty());
    return found;
  }
  const auto database = catalog::fold_name(statement.target.database.empty() ? work.execution.database
                                                                             : statement.target.database);
  MEKONG_TRY(may(work, "glue:GetTables", {database, {}}));
  do {
    MEKONG_TRY_ASSIGN(const auto tables, engines_.catalog.list_tables(scope, database, page));
    for (const auto& table : tables.items) {
      if (may(work, "glue:GetTables", {database, table.name}).ok()) found.push_back(table.name);
    }
    page.after = tables.next;
  } while (!page.after.empty());
  return found;
}

Status Runner::change(Work& work, const sql::Statement& statement) {
  const auto scope = work.execution.scope();
  auto& catalog = engines_.catalog;
  sql::TableName name{catalog::fold_name(statement.target.database),
                      catalog::fold_name(statement.target.table)};
  if (statement.operation == "create_database") {
    MEKONG_TRY(may(work, "glue:CreateDatabase", name));
    catalog::Database database;
    database.name = name.database;
    const auto made = catalog.create_database(scope, std::move(database));
    const bool exists = !made.ok() && made.error().code == "AlreadyExistsException";
    return exists && statement.if_exists ? ok() : made;
  }
  Status dropped = ok();
  if (statement.operation == "drop_table") {
    if (name.database.empty()) name.database = catalog::fold_name(work.execution.database);
    MEKONG_TRY(may(work, "glue:DeleteTable", name));
    dropped = catalog.delete_table(scope, {name.database, name.table});
  } else {
    MEKONG_TRY(may(work, "glue:DeleteDatabase", name));
    auto tables = catalog.list_tables(scope, name.database, {});
    if (tables.ok() && !tables->items.empty() && !statement.cascade) {
      return Error{"InvalidOperationException",
                   fmt::format("Database {} is not empty. One or more tables exist.", name.database)};
    }
    if (tables.ok() && !tables->items.empty()) {
      return Error{"NotImplemented", "DROP DATABASE … CASCADE of a database with tables is not implemented"};
    }
    dropped = catalog.delete_database(scope, name.database);
  }
  const bool absent = !dropped.ok() && dropped.error().code == "EntityNotFoundException";
  return absent && statement.if_exists ? ok() : dropped;
}

Status Runner::ddl(Work& work, const sql::Statement& statement) {
  if (!statement.operation.starts_with("show_")) {
    MEKONG_TRY(change(work, statement));
    return write_result(work, ".txt", "");
  }
  MEKONG_TRY_ASSIGN(const auto found, names(work, statement));
  const bool databases = statement.operation == "show_databases";
  work.execution.columns = {{databases ? "database_name" : "tab_name", "string", 0, 0}};
  std::string text;
  for (const auto& name : found) text += name + "\n";
  return write_result(work, ".txt", text);
}

}  // namespace mekong::athena
