// Amazon S3 Control: what holds for all buckets of an account. Its requests are signed as S3's and are told
// from them by their path together with the header x-amz-account-id.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html
#pragma once
#include <string>

#include "gen/s3control/service.h"
#include "objects/objects.h"

namespace mekong::s3control {

namespace model = gen::s3control;

class Service final : public model::Service {
 public:
  explicit Service(objects::Store& store) : store_(store) {}  // which outlives it; any thread

#include "gen/s3control/operations.inc"

 private:
  objects::Store& store_;
};

}  // namespace mekong::s3control
