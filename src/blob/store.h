// blob: immutable object bytes. Small ones travel inside the meta batch that names them (one sync); large ones
// are streamed to a file with constant memory and synced before the batch that names them. The caller keeps the
// BlobRef in its own record; bytes that no record came to name are collected.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "meta/store.h"

namespace mekong::blob {

// One piece of content. An object may be several pieces (multipart parts, copy by reference).
struct BlobRef {
  std::string id;           // key of the content; also its file name
  uint64_t size_bytes = 0;
  bool inline_content = false;  // stored in meta, not in a file
};

// Receives one content. Pool threads; not shared between threads.
class Writer {
 public:
  virtual ~Writer() = default;  // discards what was not finished
  virtual Status append(std::string_view bytes) = 0;
  // Makes large content durable now, or adds small content to `batch`, and adds the reference that keeps
  // it from being collected. The content is visible once `batch` is committed.
  virtual Result<BlobRef> finish(meta::Batch& batch) = 0;
  virtual uint64_t size_bytes() const = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual std::unique_ptr<Writer> create() = 0;
  // Bytes [offset, offset + bytes) of the content; shorter at its end. Errors: "ContentMissing", "ContentCorrupt".
  virtual Result<std::string> read(const BlobRef& ref, uint64_t offset, size_t bytes) const = 0;
  // A descriptor open for reading, to hand to a query worker (a sealed memory file for inline content).
  virtual Result<int> open_descriptor(const BlobRef& ref) const = 0;
  // References are counted in the caller's own batch: one more (copy), one less (delete, overwrite).
  // Content without references is collected after the batch is committed.
  virtual Status retain(meta::Batch& batch, const BlobRef& ref) = 0;
  virtual Status release(meta::Batch& batch, const BlobRef& ref) = 0;
};

}  // namespace mekong::blob
