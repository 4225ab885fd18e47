// Takes the bytes of an object or of a part, and its checksums in the same pass.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "codec/digests.h"
#include "objects/objects.h"

namespace mekong::objects {

// What was received: ready to be named.
struct Received {
  uint64_t size_bytes = 0;
  std::string etag;
  std::map<std::string, std::string> checksums;
  std::vector<blob::BlobRef> pieces;
  meta::Batch batch;  // holds or references the content
};

class ContentWriter final : public ObjectWriter {
 public:
  // Names the content and commits; the content is discarded when it fails. `waits`: until the object is
  // there; else once only, the future says how it went.
  using Finish = std::function<Result<PendingObject>(Received, bool waits)>;
  static Result<std::unique_ptr<ObjectWriter>> make(blob::Store& blobs, const PutOptions& options,
                                                    Finish finish);

  explicit ContentWriter(blob::Store& blobs) : blobs_(blobs), writer_(blobs.create()) {}
  Status append(std::string_view bytes) override;
  Status expect_checksum(const std::string& algorithm, std::string base64) override;
  Result<Object> commit() override;
  Result<PendingObject> begin_commit() override;

 private:
  Status verify(Received& received);
  Result<Received> finish_content();

  blob::Store& blobs_;
  std::unique_ptr<blob::Writer> writer_;
  std::unique_ptr<codec::Digest> md5_;
  std::map<std::string, std::unique_ptr<codec::Digest>> digests_;
  std::map<std::string, std::string> expected_;
  std::string content_md5_;
  Finish finish_;
};

}  // namespace mekong::objects
