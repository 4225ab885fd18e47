// Examines the object store: each record is read, each content that it names is read through `contents`, and
// buckets' counters are held against what is there. Changes nothing.
#pragma once
#include "base/result.h"
#include "base/verification.h"
#include "blob/verify.h"
#include "meta/store.h"

namespace mekong::objects {

// Ends with contents.finish(). Error: meta cannot be read.
Status verify(const meta::Store& meta, blob::Verifier& contents, Verification& found);

}  // namespace mekong::objects
