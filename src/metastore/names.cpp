// Partition names and name patterns, as Hive's FileUtils and its metastore read them.
#include <fmt/format.h>

#include "catalog/catalog.h"
#include "metastore/convert.h"

namespace mekong::metastore {
namespace {

bool must_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
         std::string_view("\"#%'*/:=?\\{[]^").find(c) != std::string_view::npos;
}

std::string escape(std::string_view text) {
  if (text.empty()) return std::string(catalog::null_partition);
  std::string out;
  for (char c : text) {
    if (must_escape(c)) {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool code =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (code) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool matches_one(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string::npos, mark = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = n;
    } else if (p < pattern.size() && (pattern[p] == name[n] || pattern[p] == '.')) {
      ++p, ++n;
    } else if (star != std::string::npos) {
      p = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::string partition_name(const std::vector<catalog::Column>& keys, const std::vector<std::string>& values) {
  std::string name;
  for (size_t i = 0; i < keys.size() && i < values.size(); ++i) {
    if (i > 0) name += '/';
    name += escape(catalog::fold_name(keys[i].name)) + "=" + escape(values[i]);
  }
  return name;
}

Result<std::vector<std::string>> partition_values(const std::vector<catalog::Column>& keys,
                                                  std::string_view name) {
  std::vector<std::string> values;
  std::string_view rest = name;
  for (const auto& key : keys) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    const auto equals = part.find('=');
    if (equals == std::string_view::npos ||
        catalog::fold_name(unescape(part.substr(0, equals))) != catalog::fold_name(key.name)) {
      return Error{"InvalidInputException", fmt::format("'{}' is no partition name of this table", name)};
    }
    values.push_back(unescape(part.substr(equals + 1)));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  if (!rest.empty()) {
    return Error{"InvalidInputException", fmt::format("'{}' has more parts than the table has keys", name)};
  }
  return values;
}

bool matches_pattern(std::string_view pattern, std::string_view name) {
  const std::string wanted = catalog::fold_name(pattern), folded = catalog::fold_name(name);
  std::string_view rest = wanted;
  while (true) {
    const auto bar = rest.find('|');
    std::string one;
    for (char c : rest.substr(0, bar)) {
      if (c == '*' && !one.empty() && one.back() == '.') one.pop_back();  // ".*" is "*"
      one += c;
    }
    if (matches_one(one, folded)) return true;
    if (bar == std::string_view::npos) return false;
    rest.remove_prefix(bar + 1);
  }
}

}  // namespace mekong::metastore
