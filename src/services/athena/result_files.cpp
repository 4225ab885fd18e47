#include "services/athena/result_files.h"

#include <algorithm>

namespace mekong::athena {
namespace {

void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void append_number(std::string& out, uint32_t field, uint64_t value) {
  append_varint(out, field << 3);
  append_varint(out, value);
}

void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_varint(out, field << 3 | 2);
  append_varint(out, bytes.size());
  out += bytes;
}

// One value from `at` on; leaves `at` behind it. False: it does not end in `text`.
bool take_value(std::string_view text, size_t& at, std::optional<std::string>& value) {
  value.reset();
  if (at >= text.size() || text[at] != '"') return true;
  value.emplace();
  for (++at; at < text.size(); ++at) {
    if (text[at] != '"') {
      *value += text[at];
      continue;
    }
    if (at + 1 >= text.size() || text[at + 1] != '"') {
      ++at;
      return true;
    }
    *value += text[at++];
  }
  return false;
}

}  // namespace

void append_csv(std::string& out, const sql::ResultRow& row) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    if (!row[i]) continue;
    out += '"';
    for (char c : *row[i]) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += '\n';
}

void append_line(std::string& out, const std::string& line) {
  out += line;
  out += '\n';
}

std::optional<sql::ResultRow> take_csv(std::string_view text, size_t& used, bool whole) {
  if (text.empty()) return std::nullopt;
  sql::ResultRow row;
  size_t at = 0;
  for (;;) {
    std::optional<std::string> value;
    if (!take_value(text, at, value)) return std::nullopt;
    row.push_back(std::move(value));
    if (at >= text.size() || text[at] != ',') break;
    ++at;
  }
  if (at >= text.size() && !whole) return std::nullopt;
  used = std::min(at + 1, text.size());  // the end of the line
  return row;
}

std::optional<sql::ResultRow> take_line(std::string_view text, size_t& used, bool whole) {
  const auto end = text.find('\n');
  if (text.empty() || (end == std::string_view::npos && !whole)) return std::nullopt;
  used = end == std::string_view::npos ? text.size() : end + 1;
  return sql::ResultRow{std::string(text.substr(0, end))};
}

std::string metadata_file(const std::vector<sql::ResultColumn>& columns) {
  std::string out;
  for (const auto& column : columns) {
    std::string entry;
    append_bytes(entry, 1, "hive");
    append_bytes(entry, 4, column.name);
    append_bytes(entry, 5, column.name);
    append_bytes(entry, 6, column.type);
    append_number(entry, 7, static_cast<uint64_t>(column.precision));
    append_number(entry, 8, static_cast<uint64_t>(column.scale));
    append_number(entry, 9, 3);  // nullable: unknown
    append_number(entry, 10, column.type == "varchar" ? 1 : 0);
    append_bytes(out, 4, entry);
  }
  return out;
}

}  // namespace mekong::athena
