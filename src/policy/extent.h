// Where statements stand in the text of a document.
#pragma once
#include <string_view>
#include <vector>

namespace mekong::policy {

struct Extent {
  size_t begin = 0, end = 0;  // bytes: at its "{", after its "}"
};

// Of a document that parse_document() accepts, in its order of statements.
std::vector<Extent> statement_extents(std::string_view json);

}  // namespace mekong::policy
