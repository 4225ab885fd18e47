// gzip (RFC 1952) read in pieces, with a bound on what comes out. zlib stays behind this header.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mekong::codec {

// One thread at a time.
class Gunzip {
 public:
  explicit Gunzip(size_t max_bytes);  // of output, all pieces together
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  // What `piece` unpacks to. Errors: "InvalidGzip"; "TooLarge" past the bound, before more memory is used.
  Result<std::string> update(std::string_view piece);
  // Whether a whole stream has been read, its checksum right.
  bool done() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Result<std::string> gunzip(std::string_view bytes, size_t max_bytes);  // one whole stream
std::string gzip(std::string_view bytes);

}  // namespace mekong::codec
