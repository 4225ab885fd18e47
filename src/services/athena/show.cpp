// Statements that print what the catalogue knows.
#include <fmt/format.h>
#include <re2/re2.h>

#include "services/athena/session.h"

namespace mekong::athena {
namespace {

// Hive's patterns: * for anything, | between choices, all else by itself.
class Pattern {
 public:
  explicit Pattern(const std::string& text) : expression_(translated(text), RE2::Quiet) {}
  bool matches(const std::string& name) const { return RE2::FullMatch(name, expression_); }

 private:
  static std::string translated(const std::string& text) {
    if (text.empty()) return ".*";
    std::string out = "(?i)";
    for (const char c : text) {
      out += c == '*' ? ".*" : c == '|' ? "|" : RE2::QuoteMeta(std::string(1, c));
    }
    return out;
  }
  RE2 expression_;
};

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  return out + "'";
}

void add_columns(std::vector<std::string>& lines, std::string head,
                 const std::vector<catalog::Column>& columns) {
  lines.push_back(std::move(head));
  for (const auto& column : columns) {
    const bool last = &column == &columns.back();
    const auto comment = column.comment.empty() ? "" : " COMMENT " + quoted(column.comment);
    lines.push_back(fmt::format("  `{}` {}{}{}", column.name, column.type, comment, last ? ")" : ", "));
  }
}

void add_properties(std::vector<std::string>& lines, std::string head,
                    const std::map<std::string, std::string>& properties) {
  if (properties.empty()) return;
  lines.push_back(std::move(head));
  size_t left = properties.size();
  for (const auto& [key, value] : properties) {
    lines.push_back(fmt::format("  {}={}{}", quoted(key), quoted(value), --left == 0 ? ")" : ", "));
  }
}

std::vector<std::string> table_text(const catalog::Table& table) {
  const auto& storage = *table.storage;
  std::vector<std::string> lines;
  add_columns(lines, fmt::format("CREATE EXTERNAL TABLE `{}.{}`(", table.database, table.name),
              storage.columns);
  if (!table.description.empty()) lines.push_back("COMMENT " + quoted(table.description));
  if (!table.partition_keys.empty()) add_columns(lines, "PARTITIONED BY ( ", table.partition_keys);
  lines.insert(lines.end(), {"ROW FORMAT SERDE ", "  " + quoted(storage.serde.library)});
  add_properties(lines, "WITH SERDEPROPERTIES ( ", storage.serde.parameters);
  lines.insert(lines.end(),
               {"STORED AS INPUTFORMAT ", "  " + quoted(storage.input_format), "OUTPUTFORMAT ",
                "  " + quoted(storage.output_format), "LOCATION", "  " + quoted(storage.location)});
  add_properties(lines, "TBLPROPERTIES (", table.parameters);
  return lines;
}

std::string described(const catalog::Column& column) {
  return fmt::format("{:<20}\t{:<20}\t{:<20}", column.name, column.type, column.comment);
}

}  // namespace

Status Session::show_databases(const sql::Statement& statement) {
  MEKONG_TRY(may("glue:GetDatabases", sql::TableName{}));
  const Pattern pattern(statement.pattern);
  std::vector<std::string> lines;
  catalog::PageRequest page;
  do {
    MEKONG_TRY_ASSIGN(const auto found, engines_.catalog.list_databases(scope_, page));
    for (const auto& database : found.items) {
      if (pattern.matches(database.name)) lines.push_back(database.name);
    }
    page.after = found.next;
  } while (!page.after.empty());
  return write_lines({"database_name"}, lines);
}

Status Session::show_tables(const sql::Statement& statement) {
  const auto database = full_name({statement.target.database, ""}).database;
  const bool views = statement.operation == "show_views";
  MEKONG_TRY(may("glue:GetTables", sql::TableName{database, {}}));
  const Pattern pattern(statement.pattern);
  std::vector<std::string> lines;
  catalog::PageRequest page;
  do {
    MEKONG_TRY_ASSIGN(const auto found, engines_.catalog.list_tables(scope_, database, page));
    for (const auto& table : found.items) {
      if (views && table.type != "VIRTUAL_VIEW") continue;
      if (!pattern.matches(table.name)) continue;
      if (may("glue:GetTables", sql::TableName{database, table.name}).ok()) lines.push_back(table.name);
    }
    page.after = found.next;
  } while (!page.after.empty());
  return write_lines({views ? "views" : "tab_name"}, lines);
}

Status Session::show_columns(const sql::Statement& statement) {
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", full_name(statement.target)));
  std::vector<std::string> lines;
  if (found.storage) {
    for (const auto& column : found.storage->columns) lines.push_back(fmt::format("{:<20}", column.name));
  }
  for (const auto& key : found.partition_keys) lines.push_back(fmt::format("{:<20}", key.name));
  return write_lines({"field"}, lines);
}

Status Session::show_properties(const sql::Statement& statement) {
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", full_name(statement.target)));
  std::vector<std::string> lines;
  for (const auto& [key, value] : found.parameters) {
    if (statement.name.empty()) lines.push_back(key + "\t" + value);
    if (statement.name == key) lines.push_back(value);
  }
  return write_lines({"prpt_name", "prpt_value"}, lines);
}

Status Session::show_create(const sql::Statement& statement) {
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", full_name(statement.target)));
  const bool is_view = found.type == "VIRTUAL_VIEW";
  const bool of_view = statement.operation == "show_create_view";
  if (is_view != of_view || (!is_view && !found.storage)) {
    return Error{"NOT_SUPPORTED", fmt::format("line 1:1: '{}' is a {}", found.name,
                                              is_view ? "view: use SHOW CREATE VIEW" : "table")};
  }
  if (!is_view) return write_lines({"createtab_stmt"}, table_text(found));
  MEKONG_TRY_ASSIGN(const auto view, view_text(found));
  return write_lines({"Create View"}, {fmt::format("CREATE VIEW {} AS", found.name), view.sql});
}

Status Session::describe(const sql::Statement& statement) {
  MEKONG_TRY_ASSIGN(const auto found, table("glue:GetTable", full_name(statement.target)));
  std::vector<std::string> lines;
  if (found.storage) {
    for (const auto& column : found.storage->columns) lines.push_back(described(column));
  }
  for (const auto& key : found.partition_keys) lines.push_back(described(key));
  if (!found.partition_keys.empty()) {
    lines.insert(lines.end(), {"\t \t ", "# Partition Information\t \t ",
                               described({"# col_name", "data_type", "comment", {}}), "\t \t "});
    for (const auto& key : found.partition_keys) lines.push_back(described(key));
  }
  return write_lines({"col_name", "data_type", "comment"}, lines);
}

}  // namespace mekong::athena
