// What a browser's form may upload: the policy document that its author signed.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mekong::api {

using FormFields = std::map<std::string, std::string>;  // by name in lower case; "bucket" is the path's

struct PostPolicy {
  struct Condition {
    bool starts_with = false;  // else equals
    std::string field;         // lower case, without '$'
    std::string value;
  };
  int64_t expiration_ms = 0;
  std::vector<Condition> conditions;
  // Of the file: content-length-range, both ends included.
  int64_t bytes_min = 0, bytes_max = std::numeric_limits<int64_t>::max();
};

// Errors: "InvalidPolicyDocument".
Result<PostPolicy> parse_post_policy(std::string_view json);

// Every condition must hold, and every field must have one, but for the signature, the policy, the file and
// those that begin with "x-ignore-". Errors: "AccessDenied" with the condition.
Status check_post_policy(const PostPolicy& policy, const FormFields& fields, int64_t now_ms);

}  // namespace mekong::api
