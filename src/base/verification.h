// What an examination of stored data has found (`mekong verify`). Each engine adds to it; nothing is
// repaired.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mekong {

// damaged: not the bytes that were written, or gone. unfinished: what a crash leaves and the next start of
// the server puts right; nothing that was acknowledged.
enum class Flaw { damaged, unfinished };

struct Finding {
  Flaw flaw = Flaw::damaged;
  std::string file;                // absolute; empty: no file can be named
  std::optional<uint64_t> offset;  // in the file, bytes
  std::string object;              // partition, s3://bucket/key, …; may be empty
  std::string what;                // for people
};

// One thread.
struct Verification {
  std::vector<Finding> findings;
  uint64_t files = 0, bytes = 0;  // read

  void damaged(std::string file, std::optional<uint64_t> offset, std::string object, std::string what) {
    findings.push_back({Flaw::damaged, std::move(file), offset, std::move(object), std::move(what)});
  }
  void unfinished(std::string file, std::string what) {
    findings.push_back({Flaw::unfinished, std::move(file), std::nullopt, {}, std::move(what)});
  }
  void read(uint64_t size_bytes) { ++files, bytes += size_bytes; }
};

}  // namespace mekong
