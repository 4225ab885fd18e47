// Strings of a policy: wildcards and variables.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
#pragma once
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/context.h"

namespace mekong::policy {

enum class Case { exact, ignored };

// Literals, '*' (any run of bytes, '/' and ':' too) and '?' (one byte), ready to match.
class Glob {
 public:
  Glob() = default;
  explicit Glob(std::pmr::memory_resource& memory) : symbols_(&memory), head_(&memory) {}
  static Glob of(std::string_view text);  // '*' and '?' are wild

  void add_literal(std::string_view text);
  void add_wild(std::string_view text);
  bool matches(std::string_view text, Case letters = Case::exact) const;
  // Whether it matches some text that begins with `prefix` and goes on.
  bool reaches_into(std::string_view prefix, Case letters = Case::exact) const;
  // As an ARN: the first five parts each on their own, so that a '*' in the account does not reach into the
  // resource; the rest as one, where '*' crosses everything. Missing parts stand for '*'.
  bool matches_arn(std::string_view arn) const;

 private:
  using Symbol = uint16_t;  // a byte, or one of the two wildcards
  static bool match(const Symbol* begin, const Symbol* end, std::string_view text, Case letters);
  void add(Symbol symbol);
  std::pmr::vector<Symbol> symbols_;
  std::pmr::string head_;  // the literals before the first wildcard: most texts already differ there
};

// One string as written, its ${variables} found once. `2008-10-17` policies have no variables.
class Pattern {
 public:
  enum class Variables { none, substituted };
  Pattern(std::string_view text, Variables variables);

  // Wildcards of the text are wild, those of a variable's value are not. Null: a variable has no single
  // value. Where there are variables, `made`, which was empty, holds what is returned.
  const Glob* glob(const Context& context, Glob& made) const;
  // No wildcards: the string itself, in `made` where there are variables.
  std::optional<std::string_view> text(const Context& context, std::pmr::string& made) const;
  const std::string& source() const { return source_; }
  std::vector<std::string> variables() const;  // their keys, as written

 private:
  struct Part {
    bool variable = false;
    std::string text;     // or the lower-case key
    std::string written;  // the key as it stands there
    std::optional<std::string> fallback;
  };
  void add_variable(std::string_view body);
  std::optional<std::string_view> value(const Part& part, const Context& context) const;

  std::string source_;
  std::vector<Part> parts_;
  std::optional<Glob> fixed_;  // without variables: made once
};

}  // namespace mekong::policy
