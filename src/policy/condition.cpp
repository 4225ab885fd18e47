#include "policy/condition.h"

#include <algorithm>
#include <array>

#include "policy/values.h"

namespace mekong::policy {
namespace {

struct OperatorName {
  std::string_view name;
  ConditionType type;
  Comparison comparison = Comparison::equal;
  bool negated = false;
};

using T = ConditionType;
using C = Comparison;
constexpr std::array operator_names = {
    OperatorName{"StringEquals", T::string},
    OperatorName{"StringNotEquals", T::string, C::equal, true},
    OperatorName{"StringEqualsIgnoreCase", T::string_ignore_case},
    OperatorName{"StringNotEqualsIgnoreCase", T::string_ignore_case, C::equal, true},
    OperatorName{"StringLike", T::string_like},
    OperatorName{"StringNotLike", T::string_like, C::equal, true},
    OperatorName{"NumericEquals", T::numeric},
    OperatorName{"NumericNotEquals", T::numeric, C::equal, true},
    OperatorName{"NumericLessThan", T::numeric, C::less},
    OperatorName{"NumericLessThanEquals", T::numeric, C::less_equal},
    OperatorName{"NumericGreaterThan", T::numeric, C::greater},
    OperatorName{"NumericGreaterThanEquals", T::numeric, C::greater_equal},
    OperatorName{"DateEquals", T::date},
    OperatorName{"DateNotEquals", T::date, C::equal, true},
    OperatorName{"DateLessThan", T::date, C::less},
    OperatorName{"DateLessThanEquals", T::date, C::less_equal},
    OperatorName{"DateGreaterThan", T::date, C::greater},
    OperatorName{"DateGreaterThanEquals", T::date, C::greater_equal},
    OperatorName{"Bool", T::boolean},
    OperatorName{"BinaryEquals", T::binary},
    OperatorName{"IpAddress", T::ip},
    OperatorName{"NotIpAddress", T::ip, C::equal, true},
    OperatorName{"ArnEquals", T::arn},
    OperatorName{"ArnNotEquals", T::arn, C::equal, true},
    OperatorName{"ArnLike", T::arn},
    OperatorName{"ArnNotLike", T::arn, C::equal, true},
    OperatorName{"Null", T::null},
};

template <class Value>
bool compare(Comparison comparison, const std::optional<Value>& actual, const std::optional<Value>& wanted) {
  if (!actual || !wanted) return false;
  switch (comparison) {
    case C::equal:
      return *actual == *wanted;
    case C::less:
      return *actual < *wanted;
    case C::less_equal:
      return *actual <= *wanted;
    case C::greater:
      return *actual > *wanted;
    case C::greater_equal:
      return *actual >= *wanted;
  }
  return false;
}

bool value_matches(const ConditionOperator& op, std::string_view actual, std::string_view wanted) {
  switch (op.type) {
    case T::string_ignore_case:
      return same_letters(actual, wanted);
    case T::numeric:
      return compare(op.comparison, parse_number(actual), parse_number(wanted));
    case T::date:
      return compare(op.comparison, parse_date_ms(actual), parse_date_ms(wanted));
    case T::boolean:
      return compare(C::equal, parse_bool(actual), parse_bool(wanted));
    case T::ip:
      return ip_in_range(actual, wanted);
    default:
      return actual == wanted;
  }
}

bool has_variable(std::string_view value) {
  return value.find("${") != std::string_view::npos;
}

}  // namespace

std::optional<ConditionOperator> parse_condition_operator(std::string_view name) {
  ConditionOperator op;
  constexpr std::string_view all = "ForAllValues:", any = "ForAnyValue:", if_exists = "IfExists";
  if (name.starts_with(all)) {
    op.quantifier = Quantifier::for_all_values;
    name.remove_prefix(all.size());
  } else if (name.starts_with(any)) {
    op.quantifier = Quantifier::for_any_value;
    name.remove_prefix(any.size());
  }
  if (name.ends_with(if_exists)) {
    op.if_exists = true;
    name.remove_suffix(if_exists.size());
  }
  const auto* found = std::find_if(operator_names.begin(), operator_names.end(),
                                   [&](const OperatorName& known) { return known.name == name; });
  if (found == operator_names.end()) return std::nullopt;
  if (found->type == T::null && (op.if_exists || op.quantifier != Quantifier::none)) return std::nullopt;
  op.type = found->type;
  op.comparison = found->comparison;
  op.negated = found->negated;
  return op;
}

bool Condition::valid_value(const ConditionOperator& op, std::string_view value) {
  if (has_variable(value)) return true;
  switch (op.type) {
    case T::numeric:
      return parse_number(value).has_value();
    case T::date:
      return parse_date_ms(value).has_value();
    case T::boolean:
    case T::null:
      return parse_bool(value).has_value();
    case T::ip:
      return valid_ip_range(value);
    default:
      return true;
  }
}

bool Condition::matches_one(std::string_view actual, const Context& context) const {
  return std::any_of(values.begin(), values.end(), [&](const Pattern& wanted) {
    if (op.type == T::string_like || op.type == T::arn) {
      Glob made(context.scratch());
      const Glob* glob = wanted.glob(context, made);
      if (glob == nullptr) return false;
      return op.type == T::arn ? glob->matches_arn(actual) : glob->matches(actual);
    }
    std::pmr::string made(&context.scratch());
    const auto text = wanted.text(context, made);
    return text && value_matches(op, actual, *text);
  });
}

bool Condition::holds(const Context& context) const {
  const auto* actual = context.find(key);
  if (op.type == T::null) {
    return std::any_of(values.begin(), values.end(), [&](const Pattern& wanted) {
      return parse_bool(wanted.source()) == std::optional<bool>(actual == nullptr);
    });
  }
  if (actual == nullptr) {
    if (op.if_exists || op.quantifier == Quantifier::for_all_values) return true;
    return op.negated && op.quantifier == Quantifier::none;
  }
  auto holds_for = [&](std::string_view value) { return matches_one(value, context) != op.negated; };
  switch (op.quantifier) {
    case Quantifier::for_all_values:
      return std::all_of(actual->begin(), actual->end(), holds_for);
    case Quantifier::for_any_value:
      return std::any_of(actual->begin(), actual->end(), holds_for);
    case Quantifier::none:
      break;
  }
  const bool any = std::any_of(actual->begin(), actual->end(),
                               [&](std::string_view value) { return matches_one(value, context); });
  return any != op.negated;
}

}  // namespace mekong::policy
