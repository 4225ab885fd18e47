// Condition keys of one request, by what came on the wire: its sender's address, how it was signed, and for
// S3 the headers and parameters that have keys of their own. Internal to api.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
#pragma once
#include <cstdint>
#include <string_view>

#include "api/pipeline.h"
#include "api/router.h"
#include "base/authoriser.h"

namespace mekong::api {

class RequestKeys final : public ConditionSource {
 public:
  struct From {
    const RequestHead& head;
    const Pairs& query;
    const iam::Authentication& auth;
    std::string_view via;  // "athena.amazonaws.com", where that service calls for the principal
    bool s3 = false;
    int64_t now_ms = 0;
  };
  // All that `from` names must outlive it.
  explicit RequestKeys(const From& from) : from_(from) {}
  bool supply(std::string_view key, ConditionValues& values) const override;
  void each_key(const std::function<void(std::string_view key)>& visit) const override;

 private:
  bool supply_s3(std::string_view key, ConditionValues& values) const;
  From from_;
};

}  // namespace mekong::api
