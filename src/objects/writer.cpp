#include "objects/writer.h"

#include <utility>

#include "codec/text.h"

namespace mekong::objects {
namespace {

Status check_form(const std::string& algorithm, const std::string& base64) {
  auto raw = codec::base64_decode(base64);
  static const std::map<std::string, size_t> sizes = {{"MD5", 16},      {"CRC32", 4}, {"CRC32C", 4},
                                                      {"CRC64NVME", 8}, {"SHA1", 20}, {"SHA256", 32}};
  auto size = sizes.find(algorithm);
  if (raw && size != sizes.end() && raw->size() == size->second) return ok();
  if (algorithm == "MD5") return Error{"InvalidDigest", "The Content-MD5 you specified was invalid.", 400};
  return Error{"InvalidRequest",
               "Value for x-amz-checksum-" + codec::lower_case(algorithm) + " header is invalid.", 400};
}

}  // namespace

Result<std::unique_ptr<ObjectWriter>> ContentWriter::make(blob::Store& blobs, const PutOptions& options,
                                                          Finish finish) {
  auto writer = std::make_unique<ContentWriter>(blobs);
  writer->finish_ = std::move(finish);
  MEKONG_TRY_ASSIGN(writer->md5_, codec::make_digest("MD5"));
  for (const auto& [algorithm, value] : options.checksums) {
    MEKONG_TRY_ASSIGN(writer->digests_[algorithm], codec::make_digest(algorithm));
    if (!value.empty()) MEKONG_TRY(writer->expect_checksum(algorithm, value));
  }
  if (!options.content_md5.empty()) MEKONG_TRY(check_form("MD5", options.content_md5));
  writer->content_md5_ = options.content_md5;
  return std::unique_ptr<ObjectWriter>(std::move(writer));
}

Status ContentWriter::append(std::string_view bytes) {
  MEKONG_TRY(writer_->append(bytes));
  md5_->update(bytes);
  for (auto& [algorithm, digest] : digests_) digest->update(bytes);
  return ok();
}

Status ContentWriter::expect_checksum(const std::string& algorithm, std::string base64) {
  if (!digests_.contains(algorithm)) {
    return Error{"InvalidRequest", "The checksum " + algorithm + " was not announced.", 400};
  }
  MEKONG_TRY(check_form(algorithm, base64));
  expected_[algorithm] = std::move(base64);
  return ok();
}

Status ContentWriter::verify(Received& received) {
  auto md5 = md5_->finish();
  received.etag = codec::hex_encode(md5);
  if (!content_md5_.empty() && codec::base64_encode(md5) != content_md5_) {
    return Error{"BadDigest", "The Content-MD5 you specified did not match what we received.", 400};
  }
  for (auto& [algorithm, digest] : digests_) {
    auto value = codec::base64_encode(digest->finish());
    auto expected = expected_.find(algorithm);
    if (expected != expected_.end() && expected->second != value) {
      return Error{"BadDigest", "The " + algorithm + " you specified did not match the calculated checksum.",
                   400};
    }
    received.checksums[algorithm] = std::move(value);
  }
  return ok();
}

Result<Received> ContentWriter::finish_content() {
  Received received;
  MEKONG_TRY(verify(received));
  received.size_bytes = writer_->size_bytes();
  if (received.size_bytes == 0) return received;
  MEKONG_TRY_ASSIGN(auto ref, writer_->finish(received.batch));
  received.pieces.push_back(std::move(ref));
  return received;
}

Result<Object> ContentWriter::commit() {
  MEKONG_TRY_ASSIGN(auto received, finish_content());
  const auto pieces = received.pieces;
  auto done = finish_(std::move(received), true);
  if (done.ok()) return std::move(done->object);
  // Whether a commit that the disk failed will be there after a restart is unknown: then the content stays,
  // and a start removes it if no record names it.
  if (done.error().code != "StorageFailed") {
    for (const auto& piece : pieces) blobs_.discard(piece);
  }
  return std::move(done).error();
}

// Small content is in the batch: there is nothing to discard.
Result<PendingObject> ContentWriter::begin_commit() {
  MEKONG_TRY_ASSIGN(auto received, finish_content());
  return finish_(std::move(received), false);
}

}  // namespace mekong::objects
