// Takes a streaming body into an object writer: size limits, checksums in headers and in trailers.
#pragma once
#include "api/context.h"
#include "objects/objects.h"
#include "services/s3/parameters.h"

namespace mekong::s3 {

// The algorithms that x-amz-trailer announces. Errors: "NotImplemented" with the trailer's name.
Status announced_trailers(const api::Context& ctx, Texts& checksums);

// Checksums and Content-MD5 that the request gives for its body.
template <class Request>
Status body_checks(const api::Context& ctx, const Request& request, objects::PutOptions& options) {
  MEKONG_TRY_ASSIGN(options.checksums, single_checksum(checksums_in(request)));
  if (request.checksum_algorithm) options.checksums.try_emplace(*request.checksum_algorithm);
  options.content_md5 = request.content_md5.value_or("");
  return announced_trailers(ctx, options.checksums);
}

// Those that came behind a body that was read to its end.
Status expect_trailers(const api::BodyReader& body, objects::ObjectWriter& writer);

// Reads to the end, verifies, commits. Errors: "MissingContentLength", "EntityTooLarge", "BadDigest", those
// of the body and of the store. Nothing is visible after an error.
Task<Result<objects::Object>> receive(api::BodyReader& body, objects::ObjectWriter& writer);

}  // namespace mekong::s3
