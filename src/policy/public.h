// Whether a resource policy lets in people who are not named, as S3 judges it for its public access block.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
#pragma once
#include "policy/document.h"

namespace mekong::policy {

// An Allow for everybody ("*", NotPrincipal) is public unless a condition ties it to fixed values of a key
// that says where the caller comes from: an account, an organisation, a network that is not too wide.
bool is_public(const Document& document);

}  // namespace mekong::policy
