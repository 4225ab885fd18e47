#include <fmt/format.h>

#include "metastore/handler.h"

namespace mekong::metastore {

std::vector<catalog::Database> Handler::databases() const {
  std::vector<catalog::Database> all;
  catalog::PageRequest page;
  do {
    auto found = value_or_throw(catalog().list_databases(scope(), page), throw_meta);
    std::move(found.items.begin(), found.items.end(), std::back_inserter(all));
    page.after = found.next;
  } while (!page.after.empty());
  return all;
}

void Handler::create_database(const thrift::Database& database) {
  session_.allow("glue:CreateDatabase", {.database = database.name});
  auto made = from_thrift(database);
  made.name = catalog::fold_name(made.name);
  made.location = session_.database_location(made);
  ok_or_throw(catalog().create_database(scope(), std::move(made)), throw_create);
}

void Handler::get_database(thrift::Database& out, const std::string& name) {
  session_.allow("glue:GetDatabase", {.database = name});
  const auto database = value_or_throw(catalog().get_database(scope(), name), throw_read);
  out = to_thrift(database, session_.database_location(database));
}

void Handler::get_databases(Names& out, const std::string& pattern) {
  session_.allow("glue:GetDatabases", {});
  for (const auto& database : databases()) {
    if (matches_pattern(pattern, database.name)) out.push_back(database.name);
  }
}

void Handler::alter_database(const std::string& name, const thrift::Database& database) {
  session_.allow("glue:UpdateDatabase", {.database = name});
  ok_or_throw(catalog().update_database(scope(), name, from_thrift(database)), throw_read);
}

void Handler::drop_database(const std::string& name, bool delete_data, bool cascade) {
  session_.allow("glue:DeleteDatabase", {.database = name});
  if (catalog::fold_name(name) == "default") {
    throw_meta({"InvalidOperation", "Can not drop default database"});
  }
  ok_or_throw(
      [&]() -> Status {
        MEKONG_TRY(catalog().get_database(scope(), name));
        return ok();
      }(),
      throw_read);
  const auto inside = tables(name);
  if (!inside.empty() && !cascade) {
    thrift::InvalidOperationException refused;
    refused.message = fmt::format("Database {} is not empty. One or more tables exist.", name);
    throw refused;
  }
  for (const auto& table : inside) drop_table(name, table.name, delete_data);
  ok_or_throw(catalog().delete_database(scope(), name), throw_read);
}

}  // namespace mekong::metastore
