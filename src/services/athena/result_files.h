// Athena's result files: <id>.csv (all values quoted, null empty), <id>.txt (a line a row), <id>.….metadata
// (protobuf, as the JDBC driver reads it). Pure functions.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/worker.h"

namespace mekong::athena {

void append_csv(std::string& out, const sql::ResultRow& row);
void append_line(std::string& out, const std::string& line);
// The first row of `text` and in `used` its length; none where the row does not end in `text`, which is the
// rest of the file where `whole` says so. Forms: append_csv's, append_tabs'.
std::optional<sql::ResultRow> take_csv(std::string_view text, size_t& used, bool whole);
std::optional<sql::ResultRow> take_line(std::string_view text, size_t& used, bool whole);
std::string metadata_file(const std::vector<sql::ResultColumn>& columns);

}  // namespace mekong::athena
