#include "policy/extent.h"

namespace mekong::policy {
namespace {

size_t skip_string(std::string_view json, size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at + 1;
}

// Past one value, nested ones with it.
size_t skip_value(std::string_view json, size_t at) {
  int depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = skip_string(json, at);
    } else {
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at;
    }
    if (depth == 0) return at;
  }
  return at;
}

}  // namespace

std::vector<Extent> statement_extents(std::string_view json) {
  std::vector<Extent> out;
  constexpr std::string_view member = "\"Statement\"";
  size_t at = json.find('{');
  if (at == std::string_view::npos) return out;
  for (++at; at < json.size() && json.substr(at, member.size()) != member;) {
    at = json[at] == '"' || json[at] == '{' || json[at] == '[' ? skip_value(json, at) : at + 1;
  }
  if (at >= json.size()) return out;
  at = json.find_first_of("[{", at + member.size());
  const bool list = at < json.size() && json[at] == '[';
  if (list) ++at;
  while (at < json.size() && json[at] != ']') {
    if (json[at] != '{') {
      ++at;
      continue;
    }
    const size_t end = skip_value(json, at);
    out.push_back({at, end});
    at = end;
    if (!list) break;
  }
  return out;
}

}  // namespace mekong::policy
