// Athena's result files: <id>.csv (all values quoted, null empty), <id>.txt (tabs), <id>.….metadata
// (protobuf, as the JDBC driver reads it). Pure functions.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "sql/worker.h"

namespace mekong::athena {

void append_csv(std::string& out, const sql::ResultRow& row);
std::vector<sql::ResultRow> parse_csv(std::string_view text);  // of append_csv's form
std::vector<sql::ResultRow> parse_tabs(std::string_view text);
std::string metadata_file(const std::vector<sql::ResultColumn>& columns);

}  // namespace mekong::athena
