// CBOR (RFC 8949) as a cursor over bytes and a writer that appends. No tree is made: the walkers of generated
// tables read straight into their structs. Pure functions of their bytes: any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mekong::codec {

// A bad read sets failed() and yields zeros and ends from then on, so callers check once, at the end. Lengths
// are never trusted further than the bytes that are there; values nest at most 256 deep.
class CborReader {
 public:
  enum class Kind : uint8_t { integer, real, bytes, text, array, map, boolean, null, end, bad };
  // What is left of an open array (elements) or map (pairs).
  struct Items {
    uint64_t left = 0;
    bool indefinite = false;
  };

  // `data` must outlive the reader.
  explicit CborReader(std::string_view data) : data_(data) {}

  bool failed() const { return failed_; }
  void fail() { failed_ = true; }
  size_t position() const { return position_; }
  bool at_end() const { return position_ == data_.size(); }

  // Of the next value, its tags skipped. Consumes no more than those.
  Kind kind();
  // Each of these consumes a value of its kind and fails on another one.
  int64_t integer();        // fails outside of int64
  double real();            // any number
  bool boolean();           // null and undefined are not false
  void null();              // null or undefined
  std::string_view text();  // valid UTF-8; chunks are joined in the reader's own buffer until the next call
  void bytes(std::string& out);  // replaces what was there
  Items open(Kind array_or_map);
  bool more(Items& items);  // whether another element (or pair) follows; consumes the end
  void skip();              // one value of any kind
  // The bytes of the next value, skipped.
  std::string_view raw();

 private:
  struct Head {
    uint8_t major = 0, info = 0;
    uint64_t argument = 0;
  };
  Head head();
  Head peek_head();
  void skip_tags();
  std::string_view take(uint64_t bytes);
  void joined(uint8_t major, std::string& out);

  std::string_view data_;
  size_t position_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  std::string buffer_;
};

// Definite lengths only; the caller announces how many follow.
class CborWriter {
 public:
  explicit CborWriter(std::string& out) : out_(out) {}
  void integer(int64_t value);
  void real(double value);  // 64 bits
  void real(float value);   // 32 bits
  void boolean(bool value) { out_ += static_cast<char>(value ? 0xf5 : 0xf4); }
  void null() { out_ += static_cast<char>(0xf6); }
  void text(std::string_view value);
  void bytes(std::string_view value);
  void array(uint64_t elements) { head(4, elements); }
  void map(uint64_t pairs) { head(5, pairs); }
  void tag(uint64_t number) { head(6, number); }
  void raw(std::string_view value) { out_ += value; }

 private:
  void head(uint8_t major, uint64_t argument);
  std::string& out_;
};

}  // namespace mekong::codec
