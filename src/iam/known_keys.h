// Condition keys that the server knows of the caller, of the moment and of the resource's owner: a face
// cannot speak for them. What else the face knows of its request is asked of it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
#pragma once
#include <cstdint>
#include <string_view>

#include "base/authoriser.h"

namespace mekong::iam {

// Both must outlive it. `owner`: the account of the resource, empty where nobody knows.
class KnownKeys final : public ConditionSource {
 public:
  KnownKeys(const AuthorisationRequest& request, std::string_view owner, int64_t now_ms)
      : request_(request), owner_(owner), now_ms_(now_ms) {}
  bool supply(std::string_view key, ConditionValues& values) const override;
  void each_key(const std::function<void(std::string_view key)>& visit) const override;

 private:
  friend struct KnownKey;
  bool supply_tag(std::string_view tag, ConditionValues& values) const;
  bool known_to_the_face(std::string_view key, ConditionValues& values) const {
    return request_.known != nullptr && request_.known->supply(key, values);
  }

  const AuthorisationRequest& request_;
  const std::string_view owner_;
  const int64_t now_ms_;
};

}  // namespace mekong::iam
