// blob: immutable object bytes. Small ones travel inside the meta batch that names them (one sync); large
// ones are streamed to a file with constant memory and synced before the batch that names them. The caller
// keeps the BlobRef in its own record; bytes that no record came to name are collected.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/logging.h"
#include "base/result.h"
#include "meta/store.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/random.h"

namespace mekong::blob {

// One piece of content. An object may be several pieces (multipart parts, copy by reference).
struct BlobRef {
  std::string id;  // key of the content; also its file name
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
  // Bytes [offset, offset + bytes) of the content; shorter at its end. Errors: "ContentMissing",
  // "ContentCorrupt" (the bytes are not those that were written, or not of this content at this place).
  virtual Result<std::string> read(const BlobRef& ref, uint64_t offset, size_t bytes) const = 0;
  // A descriptor open for reading, to hand to a query worker (a sealed memory file for inline content). A
  // file is longer than the content: its checksums follow. Bytes read through it are not verified. The caller
  // closes it.
  virtual Result<int> open_descriptor(const BlobRef& ref) const = 0;
  // References are counted in the caller's own batch: one more (copy), one less (delete, overwrite).
  // Retaining content that is no longer referenced fails the commit with "ConditionFailed". Content without
  // references is collected some time after the batch is committed, and not while it is pinned.
  virtual Status retain(meta::Batch& batch, const BlobRef& ref) = 0;
  virtual Status release(meta::Batch& batch, const BlobRef& ref) = 0;
  // The batch that finish() filled was not committed: the content is removed now.
  virtual void discard(const BlobRef& ref) = 0;
  // Keeps the content readable while the result lives. To be taken within the grace time after the record
  // that names the content was read.
  virtual std::shared_ptr<const void> pin(const BlobRef& ref) const = 0;
  // Runs `work` while no content that was referenced when it began is removed.
  virtual Status while_kept(const std::function<Status()>& work) = 0;
  // Removes content that has had no reference for the grace time; also done now and then by itself.
  virtual Status collect() = 0;
};

struct Options {
  std::string folder;                    // holds xx/<id>
  size_t inline_bytes_max = 32 << 10;    // up to this size content travels in meta
  int64_t grace_ms = 60'000;             // service clock: from the last reference gone to removal
  int64_t collect_interval_ms = 10'000;  // 0: only by collect()
};

// Uses the meta family "blob". Removes files that no record came to name (a crash between file and batch).
// All references must outlive the store. Errors: those of files and meta.
Result<std::unique_ptr<Store>> open_store(os::Files& files, const os::Clock& clock, os::Random& random,
                                          meta::Store& meta, Logger& logger, Options options);

}  // namespace mekong::blob
