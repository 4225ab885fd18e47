// What a presigned URL says in its query in the place of headers, as S3 takes it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
#pragma once
#include <optional>

#include "api/pipeline.h"

namespace mekong::api {

// Of an S3 request that is signed in its query: the head with x-amz-* parameters and conditions as headers,
// where it does not have them as such; absent where there are none. Error: "InvalidArgument" for what could
// be no header.
Result<std::optional<RequestHead>> with_headers_of_query(const RequestHead& head);

}  // namespace mekong::api
