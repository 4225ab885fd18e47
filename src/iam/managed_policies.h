// The AWS-managed policies, at their true ARNs, generated at build time.
#pragma once
#include <cstddef>
#include <string_view>

namespace mekong::iam {

struct AwsManagedPolicy {
  std::string_view arn, name, path, default_version, created, updated;  // dates ISO 8601
  std::string_view document;
};
extern const AwsManagedPolicy aws_managed_policies[];  // sorted by ARN
extern const size_t aws_managed_policy_count;

// Null when AWS has no such policy.
const AwsManagedPolicy* find_aws_managed_policy(std::string_view arn);

}  // namespace mekong::iam
