// Condition blocks: operator → key → values.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/context.h"
#include "policy/pattern.h"

namespace mekong::policy {

enum class ConditionType {
  string,
  string_ignore_case,
  string_like,
  numeric,
  date,
  boolean,
  binary,
  ip,
  arn,
  null
};
enum class Comparison { equal, less, less_equal, greater, greater_equal };
enum class Quantifier { none, for_all_values, for_any_value };

struct ConditionOperator {
  ConditionType type = ConditionType::string;
  Comparison comparison = Comparison::equal;
  bool negated = false;
  bool if_exists = false;
  Quantifier quantifier = Quantifier::none;
};

// "ForAnyValue:StringNotLikeIfExists" … ; none for an operator that does not exist.
std::optional<ConditionOperator> parse_condition_operator(std::string_view name);

// One key under one operator.
struct Condition {
  ConditionOperator op;
  std::string key;      // lower case
  std::string written;  // as it stands in the document
  std::vector<Pattern> values;

  // May `value` stand under this operator at all (a number, a date, a CIDR …)?
  static bool valid_value(const ConditionOperator& op, std::string_view value);
  // An absent key: false; true for negated operators, …IfExists and ForAllValues.
  bool holds(const Context& context) const;

 private:
  bool matches_one(std::string_view actual, const Context& context) const;
};

}  // namespace mekong::policy
