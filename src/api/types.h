// The value types of generated structs that C++ does not have, and request and reply bodies.
#pragma once
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace mekong::api {

struct Timestamp {
  int64_t ms = 0;  // since the epoch, UTC
  auto operator<=>(const Timestamp&) const = default;
};

// Any JSON value, as its text.
struct Document {
  std::string json;
  bool operator==(const Document&) const = default;
};

// An optional on the heap, copied deeply: for members of structures that contain themselves.
template <class T>
class Box {
 public:
  Box() = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(Box other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  T& emplace() { return *(value_ = std::make_unique<T>()); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

// A request body as it arrives. Read by one coroutine; each read resumes on the handler pool.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next bytes, already unchunked and verified as far as that is possible; empty at the end, when the
  // whole body has been checked (hash, chunk signatures, trailer). Errors: "IncompleteBody",
  // "XAmzContentSHA256Mismatch", "SignatureDoesNotMatch", "RequestTimeout".
  virtual Task<Result<std::string>> read() = 0;
  virtual int64_t length() const = 0;  // decoded length if it was announced, else -1
  // Trailing headers (x-amz-checksum-*), lower case; complete once read() returned empty.
  virtual const std::vector<std::pair<std::string, std::string>>& trailers() const = 0;
};

// A reply body that the front pulls as fast as the client reads. Read on the handler pool.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual Result<std::string> read() = 0;  // empty at the end
  virtual int64_t length() const = 0;      // exact, or -1: sent chunked
  // What the front calls. Sources that wait for something override this instead of blocking in read().
  virtual Task<Result<std::string>> next() { co_return read(); }
};
using BodySourcePtr = std::unique_ptr<BodySource>;

// The events of a streaming reply, pulled as fast as the client reads them. E: the generated union. Dropped
// when the client leaves.
template <class E>
class EventSource {
 public:
  virtual ~EventSource() = default;
  // Absent at the end. An error ends the stream with an exception of that name. Called on the handler pool,
  // may resume elsewhere.
  virtual Task<Result<std::optional<E>>> next() = 0;
};
template <class E>
using EventSourcePtr = std::unique_ptr<EventSource<E>>;

template <class E>
class EventReader;  // the events of a streaming request: api/events.h

// A modelled error with members of its own: the generated struct, filled.
template <class E>
Error fail(E detail, std::string message) {
  Error error{E::kErrorCode, std::move(message)};
  error.detail = std::make_shared<const E>(std::move(detail));
  return error;
}

}  // namespace mekong::api
