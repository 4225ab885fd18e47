// An aws-chunked body, signed or not: however the wire cuts it, the same bytes and trailers come out, or the
// same error. Input: a byte for the kind of signature, one for the size of the pieces, the body.
#include <cstdint>

#include "api/body.h"

namespace mekong::api {
namespace {

// All of it runs in the one call of the fuzzer.
class Here final : public Executor {
 public:
  void post(std::function<void()>) override { __builtin_trap(); }
  template <class F>
  auto run(F&& work) {
    Scope scope(this);
    return work();
  }
};

class Pieces final : public RawBody {
 public:
  Pieces(std::string_view text, size_t size) : text_(text), size_(size) {}
  Task<Result<std::string>> read() override {
    std::string piece(text_.substr(0, size_));
    text_.remove_prefix(piece.size());
    co_return piece;
  }

 private:
  std::string_view text_;
  const size_t size_;
};

struct Outcome {
  std::string data, error;
  Headers trailers;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view wire, iam::BodySignature kind, size_t piece) {
  iam::Authentication auth;
  auth.body = kind;
  auth.signing_key = "key";
  auth.seed_signature = "seed";
  RequestHead head;
  Pieces raw(wire, piece);
  Here here;
  CheckedBody body(raw, head, auth, here);
  auto all = here.run([&] { return sync_wait(read_all(body, 1 << 20)); });
  return all.ok() ? Outcome{*all, "", body.trailers()} : Outcome{"", all.error().code, {}};
}

}  // namespace
}  // namespace mekong::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace mekong::api;
  using enum mekong::iam::BodySignature;
  if (size_bytes < 2) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size_bytes - 2);
  const mekong::iam::BodySignature kinds[] = {signed_chunks, signed_chunks_trailer, unsigned_chunks_trailer};
  const auto kind = kinds[data[0] % 3];
  const auto whole = read(wire, kind, wire.size() + 1);
  if (whole != read(wire, kind, 1 + data[1])) __builtin_trap();
  if (whole.data.size() > wire.size()) __builtin_trap();
  return 0;
}
