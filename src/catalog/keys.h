// Keys of family "catalog". Parts are joined by 0x00 0x01, a 0x00 inside a part becomes 0x00 0xff, so that
// keys sort as their parts do and no value can reach into another's range.
//   d account region database              → Database
//   t database-uid table                   → Table
//   v table-uid version (10 digits, 9999999999 - version: newest first) → Table
//   p table-uid value value …              → Partition
//   f database-uid function                → UserFunction
// Tables hang on the uid of their database and partitions on that of their table: a rename moves one key, and
// what a crash leaves of a dropped table is out of everybody's reach.
#pragma once
#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace mekong::catalog::keys {

inline void add(std::string& key, std::string_view part) {
  for (char c : part) {
    key += c;
    if (c == '\0') key += '\xff';
  }
  key.append("\0\x01", 2);
}

inline std::string join(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (auto part : parts) add(key, part);
  return key;
}

inline std::string databases(const Scope& scope) {
  return join({"d", scope.account.value, scope.region.value});
}
inline std::string database(const Scope& scope, std::string_view name) {
  return join({"d", scope.account.value, scope.region.value, name});
}
inline std::string tables(std::string_view database_uid) {
  return join({"t", database_uid});
}
inline std::string table(std::string_view database_uid, std::string_view name) {
  return join({"t", database_uid, name});
}
inline std::string versions(std::string_view table_uid) {
  return join({"v", table_uid});
}
inline std::string version(std::string_view table_uid, int64_t number) {
  return join({"v", table_uid, fmt::format("{:010}", 9'999'999'999 - number)});
}
inline std::string functions(std::string_view database_uid) {
  return join({"f", database_uid});
}
inline std::string function(std::string_view database_uid, std::string_view name) {
  return join({"f", database_uid, name});
}
// With fewer values than the table has keys: the prefix of all partitions that begin with them.
inline std::string partition(std::string_view table_uid, const std::vector<std::string>& values) {
  std::string key = join({"p", table_uid});
  for (const auto& value : values) add(key, value);
  return key;
}

}  // namespace mekong::catalog::keys
