#include "services/athena/session.h"

#include "services/athena/shared.h"

#include <fmt/format.h>

#include "services/athena/result_files.h"

namespace mekong::athena {

Session::Session(const Engines& engines, Records& records, Execution& execution, PrincipalPtr principal,
                 sql::Worker& worker)
    : engines_(engines),
      records_(records),
      execution_(execution),
      folder_(as_folder(execution.output_location)),
      scope_(execution.scope()),
      access_(engines.objects, engines.authoriser, principal, &called_via),
      principal_(std::move(principal)),
      worker_(worker) {}

const std::map<std::string, Session::Operation>& Session::operations() {
  static const std::map<std::string, Operation> all = {
      {"select", {&Session::select, "DML"}},
      {"insert", {&Session::insert, "DML"}},
      {"unload", {&Session::unload, "DML"}},
      {"create_table_as", {&Session::create_table_as, "DDL"}},
      {"create_view", {&Session::create_view, "DDL"}},
      {"create_database", {&Session::create_database, "DDL"}},
      {"drop_database", {&Session::drop_database, "DDL"}},
      {"create_table", {&Session::create_table, "DDL"}},
      {"drop_table", {&Session::drop_table, "DDL"}},
      {"drop_view", {&Session::drop_table, "DDL"}},
      {"add_columns", {&Session::change_columns, "DDL"}},
      {"replace_columns", {&Session::change_columns, "DDL"}},
      {"set_location", {&Session::set_location, "DDL"}},
      {"set_properties", {&Session::set_properties, "DDL"}},
      {"add_partitions", {&Session::add_partitions, "DDL"}},
      {"drop_partitions", {&Session::drop_partitions, "DDL"}},
      {"repair", {&Session::repair, "DDL"}},
      {"prepare", {&Session::prepare, "DDL"}},
      {"deallocate", {&Session::deallocate, "DDL"}},
      {"describe", {&Session::describe, "UTILITY"}},
      {"show_databases", {&Session::show_databases, "UTILITY"}},
      {"show_tables", {&Session::show_tables, "UTILITY"}},
      {"show_views", {&Session::show_tables, "UTILITY"}},
      {"show_columns", {&Session::show_columns, "UTILITY"}},
      {"show_partitions", {&Session::show_partitions, "UTILITY"}},
      {"show_properties", {&Session::show_properties, "UTILITY"}},
      {"show_create_table", {&Session::show_create, "UTILITY"}},
      {"show_create_view", {&Session::show_create, "UTILITY"}},
  };
  return all;
}

Status Session::run() {
  MEKONG_TRY_ASSIGN(const auto statement, parse());
  const auto found = operations().find(statement.operation);
  if (found == operations().end()) {
    return Error{"NotImplemented", "statement " + statement.operation + " is not implemented"};
  }
  execution_.statement_type = found->second.type;
  execution_.substatement_type = statement.operation;
  for (char& c : execution_.substatement_type) c = static_cast<char>(std::toupper(c));
  if (statement.operation == "create_table_as") execution_.substatement_type = "CREATE_TABLE_AS_SELECT";
  const bool rows = statement.operation == "select";
  execution_.output_location = folder_ + execution_.id + (rows ? ".csv" : ".txt");
  return (this->*found->second.handler)(statement);
}

// The statement of the text, or that of the prepared statement which it names.
Result<sql::Statement> Session::parse() {
  auto statement = worker_.parse(execution_.query, execution_.database, execution_.parameters);
  if (!statement.ok() || statement->operation != "execute") return statement;
  const auto key = execution_.work_group + "/" + statement->name;
  MEKONG_TRY(
      may("athena:GetPreparedStatement", fmt::format("arn:aws:athena:{}:{}:workgroup/{}", execution_.region,
                                                     execution_.account, execution_.work_group)));
  MEKONG_TRY_ASSIGN(const auto prepared, records_.find<PreparedStatement>(scope_, key));
  if (!prepared) {
    return Error{"NOT_FOUND", fmt::format("PreparedStatement {} was not found in workGroup {}",
                                          statement->name, execution_.work_group)};
  }
  auto parameters = statement->parameters;
  if (parameters.empty()) parameters = execution_.parameters;
  MEKONG_TRY_ASSIGN(statement, worker_.parse(prepared->query, execution_.database, parameters));
  if (statement->operation == "execute") {
    return Error{"NOT_SUPPORTED", "A prepared statement cannot execute another one"};
  }
  return statement;
}

Status Session::prepare(const sql::Statement& statement) {
  MEKONG_TRY(may("athena:CreatePreparedStatement",
                 fmt::format("arn:aws:athena:{}:{}:workgroup/{}", execution_.region, execution_.account,
                             execution_.work_group)));
  const PreparedStatement made{execution_.work_group, statement.name, "", statement.text,
                               engines_.clock.wall_ms()};
  MEKONG_TRY(records_.put(scope_, made));
  return write_lines({}, {});
}

Status Session::deallocate(const sql::Statement& statement) {
  MEKONG_TRY(may("athena:DeletePreparedStatement",
                 fmt::format("arn:aws:athena:{}:{}:workgroup/{}", execution_.region, execution_.account,
                             execution_.work_group)));
  const auto key = execution_.work_group + "/" + statement.name;
  MEKONG_TRY_ASSIGN(const auto prepared, records_.find<PreparedStatement>(scope_, key));
  if (!prepared) return Error{"NOT_FOUND", "Prepared statement not found: " + statement.name};
  MEKONG_TRY(records_.remove<PreparedStatement>(scope_, key));
  return write_lines({}, {});
}

sql::TableName Session::full_name(const sql::TableName& name) const {
  return {catalog::fold_name(name.database.empty() ? execution_.database : name.database),
          catalog::fold_name(name.table)};
}

Status Session::may(std::string_view action, const std::string& resource) const {
  const auto decision = engines_.authoriser.decide(
      {.principal = *principal_, .action = action, .resource = resource, .known = &called_via});
  if (decision.allowed) return ok();
  return Error{"AccessDeniedException",
               fmt::format("User: {} is not authorized to perform: {} on resource: {} {}", principal_->arn,
                           action, resource, decision.reason)};
}

// As Glue asks: on the catalogue, the database and the table.
Status Session::may(std::string_view action, const sql::TableName& name) const {
  const auto base = fmt::format("arn:aws:glue:{}:{}:", execution_.region, execution_.account);
  MEKONG_TRY(may(action, base + "catalog"));
  if (!name.database.empty()) MEKONG_TRY(may(action, base + "database/" + name.database));
  if (!name.table.empty()) MEKONG_TRY(may(action, base + "table/" + name.database + "/" + name.table));
  return ok();
}

Result<catalog::Table> Session::table(std::string_view action, const sql::TableName& name) const {
  MEKONG_TRY(may(action, name));
  auto found = engines_.catalog.get_table(scope_, {name.database, name.table});
  if (!found.ok() && found.error().code == "EntityNotFoundException") {
    return Error{"TABLE_NOT_FOUND", fmt::format("line 1:1: Table 'awsdatacatalog.{}.{}' does not exist",
                                                name.database, name.table)};
  }
  return found;
}

// The result of a statement that is no query: each line is one value of one row, also where its tabs set
// more columns apart (DESCRIBE), as Athena gives it. The names of columns are given where it has rows.
Status Session::write_lines(const std::vector<std::string>& columns, const std::vector<std::string>& lines) {
  execution_.columns.clear();
  for (const auto& name : columns) execution_.columns.push_back({name, "string", 0, 0});
  std::string text;
  for (const auto& line : lines) append_line(text, line);
  MEKONG_TRY_ASSIGN(const auto place, objects::parse_location(execution_.output_location));
  objects::PutOptions options;
  options.headers["Content-Type"] = "text/plain";
  // The result last: whoever sees it finds its description, too.
  MEKONG_TRY(access_.put(place.bucket, place.key + ".metadata", metadata_file(execution_.columns)));
  execution_.output_rows = static_cast<int64_t>(lines.size());
  execution_.output_bytes = static_cast<int64_t>(text.size());
  return access_.put(place.bucket, place.key, text, std::move(options));
}

std::string as_folder(std::string location) {
  if (!location.ends_with('/')) location += '/';
  return location;
}

}  // namespace mekong::athena
