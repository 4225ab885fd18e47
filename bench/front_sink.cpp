// The front alone with a large body: the whole server's path (HTTP, signature, pipeline, decode, authorise)
// to an S3 that keeps nothing. PutObject reads its body and drops it, GetObject makes 1 GiB out of one piece.
// What S3 itself does with the bytes (the ETag's MD5, checksums, the disk) is measured with the server.
// Usage: front_sink PORT; the pair test/test signs.
#include <cstdio>
#include <cstdlib>

#include "base/thread_pool.h"
#include "front/server.h"
#include "gen/s3/twin.h"
#include "iam/iam.h"
#include "os/own_memory.h"

namespace {

using namespace mekong;

class Zeros final : public api::BodySource {
 public:
  explicit Zeros(int64_t bytes) : length_(bytes), left_(bytes) {}
  Result<std::string> read() override {
    const auto size = std::min<int64_t>(left_, 1 << 20);  // the size of S3's own pieces
    left_ -= size;
    return std::string(static_cast<size_t>(size), '\0');
  }
  int64_t length() const override { return length_; }

 private:
  const int64_t length_;
  int64_t left_;
};

class Sink final : public gen::s3::Twin {
 public:
  Task<Result<gen::s3::PutObjectOutput>> put_object(api::Context&, const gen::s3::PutObjectRequest&,
                                                    api::BodyReader& body) override {
    while (true) {
      auto piece = co_await body.read();
      if (!piece.ok()) co_return std::move(piece).error();
      if (piece->empty()) co_return gen::s3::PutObjectOutput{};
    }
  }
  Result<gen::s3::GetObjectOutput> get_object(api::Context&, const gen::s3::GetObjectRequest&) override {
    gen::s3::GetObjectOutput output;
    output.content_length = int64_t{1} << 30;
    output.body = std::make_unique<Zeros>(*output.content_length);
    return output;
  }
};

}  // namespace

int main(int, char** words) {
  os::keep_freed_memory();  // as the server does
  os::SystemClock clock;
  os::SystemRandom random;
  auto store = meta::make_memory_store();
  auto iam = iam::Iam::open(*store, iam::no_resource_policies, clock, random, {.well_known_test_pair = true});
  if (!iam.ok()) return 1;
  Sink sink;
  ThreadPool pool("handlers", 4);
  const api::Pipeline pipeline({bind(sink)}, (*iam)->authenticator(), (*iam)->authoriser(), pool, clock,
                               random, null_logger(), {});
  auto network = os::make_network(2);
  front::ServerOptions options;
  options.listen.port = static_cast<uint16_t>(std::atoi(words[1]));
  front::Server server(*network, pipeline, {}, pool, clock, null_logger(), options);
  if (!server.start().ok()) return 1;
  std::puts("ready");
  std::fflush(stdout);
  std::getchar();  // until its input ends
}
