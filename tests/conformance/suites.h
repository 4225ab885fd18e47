// The generated tables of the protocol test suites.
#pragma once
#include <string>
#include <vector>

#include "api/binding.h"

namespace mekong::conformance {

struct Made {
  const char* operation;
  api::Value (*input)();
  api::Value (*output)();
};
struct MadeError {
  const char* shape;
  api::Value (*make)();
};
struct Tables {
  const api::ServiceTable* table;
  const Made* made;
  size_t made_count;
  const MadeError* errors;  // those with members of their own; the last one has no name
};
struct Suite {
  std::string direction, protocol;
  size_t index;  // in the suites' file
  const Tables* tables;
  std::string why_not;  // tables is null: what the generator cannot do
};
std::vector<Suite> suites();

}  // namespace mekong::conformance
