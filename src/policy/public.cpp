#include "policy/public.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace mekong::policy {
namespace {

constexpr int v4_bits_min = 8, v6_bits_min = 32;

constexpr std::string_view tying_keys[] = {"aws:principalaccount",
                                           "aws:principalarn",
                                           "aws:principalorgid",
                                           "aws:principalorgpaths",
                                           "aws:sourceaccount",
                                           "aws:sourcearn",
                                           "aws:sourceorgid",
                                           "aws:sourceorgpaths",
                                           "aws:sourceowner",
                                           "aws:sourcevpc",
                                           "aws:sourcevpce",
                                           "aws:userid",
                                           "s3:dataaccesspointaccount",
                                           "s3:dataaccesspointarn",
                                           "s3:x-amz-server-side-encryption-aws-kms-key-id"};

bool is_narrow_network(std::string_view cidr) {
  const size_t slash = cidr.find('/');
  if (slash == std::string_view::npos) return true;
  int bits = 0;
  const std::string_view digits = cidr.substr(slash + 1);
  if (std::from_chars(digits.data(), digits.data() + digits.size(), bits).ec != std::errc()) return false;
  return bits >= (cidr.find(':') == std::string_view::npos ? v4_bits_min : v6_bits_min);
}

bool is_fixed(std::string_view value) {
  return value.find('*') == std::string_view::npos && value.find('?') == std::string_view::npos &&
         value.find("${") == std::string_view::npos;
}

bool ties(const Condition& condition) {
  const ConditionOperator& op = condition.op;
  if (op.negated || op.if_exists || op.quantifier == Quantifier::for_all_values) return false;
  const bool network = op.type == ConditionType::ip && condition.key == "aws:sourceip";
  const bool text = op.type == ConditionType::string || op.type == ConditionType::string_ignore_case ||
                    op.type == ConditionType::string_like || op.type == ConditionType::arn;
  const bool origin = text && std::ranges::find(tying_keys, condition.key) != std::end(tying_keys);
  return std::ranges::all_of(condition.values, [&](const Pattern& value) {
    return network ? is_narrow_network(value.source()) : origin && is_fixed(value.source());
  });
}

}  // namespace

bool is_public(const Document& document) {
  return std::ranges::any_of(document.statements, [](const Statement& statement) {
    const bool everybody = statement.not_principal || statement.principal.anyone ||
                           std::ranges::find(statement.principal.aws, "*") != statement.principal.aws.end();
    return statement.allow && everybody && std::ranges::none_of(statement.conditions, ties);
  });
}

}  // namespace mekong::policy
