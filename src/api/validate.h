// The model's constraints, checked on a decoded input and told in the services' words.
#pragma once
#include <memory>
#include <string>

#include "api/decode.h"

namespace mekong::api {

// Compiled patterns, shared by all requests. Thread safe.
class Validator {
 public:
  Validator();
  ~Validator();
  Validator(const Validator&) = delete;
  Validator& operator=(const Validator&) = delete;
  // Adds what `value` breaks.
  void check(const Shape& shape, const void* value, Violations& violations) const;

 private:
  struct Patterns;
  void check_value(const Shape& shape, const void* value, const Path* at, Violations& violations) const;
  void check_string(const Shape& shape, const std::string& value, const Path* at,
                    Violations& violations) const;
  std::unique_ptr<Patterns> patterns_;
};

}  // namespace mekong::api
