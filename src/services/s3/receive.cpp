#include "services/s3/receive.h"

#include "codec/text.h"

namespace mekong::s3 {
namespace {

constexpr int64_t body_bytes_max = int64_t{5} << 30;

Error too_large() {
  return {"EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400};
}

// "x-amz-checksum-crc32" → "CRC32"; empty for other trailers.
std::string algorithm_of(std::string_view trailer) {
  constexpr std::string_view prefix = "x-amz-checksum-";
  if (!codec::equal_no_case(trailer.substr(0, prefix.size()), prefix)) return {};
  std::string name(trailer.substr(prefix.size()));
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

}  // namespace

Status announced_trailers(const api::Context& ctx, Texts& checksums) {
  if (ctx.headers == nullptr) return ok();
  for (const auto& [name, value] : *ctx.headers) {
    if (name != "x-amz-trailer") continue;
    auto algorithm = algorithm_of(codec::trim(value));
    if (algorithm.empty())
      return Error{"NotImplemented", "The trailer " + value + " is not implemented", 501};
    checksums.try_emplace(algorithm);
  }
  return ok();
}

Status expect_trailers(const api::BodyReader& body, objects::ObjectWriter& writer) {
  for (const auto& [name, value] : body.trailers()) {
    if (auto algorithm = algorithm_of(name); !algorithm.empty())
      MEKONG_TRY(writer.expect_checksum(algorithm, value));
  }
  return ok();
}

Task<Result<objects::Object>> receive(api::BodyReader& body, objects::ObjectWriter& writer) {
  if (body.length() < 0) {
    co_return Error{"MissingContentLength", "You must provide the Content-Length HTTP header.", 411};
  }
  if (body.length() > body_bytes_max) co_return too_large();
  int64_t received_bytes = 0;
  for (;;) {
    auto chunk = co_await body.read();
    if (!chunk.ok()) co_return std::move(chunk).error();
    if (chunk->empty()) break;
    received_bytes += static_cast<int64_t>(chunk->size());
    if (received_bytes > body_bytes_max) co_return too_large();
    MEKONG_CO_TRY(writer.append(*chunk));
  }
  if (received_bytes != body.length()) {
    co_return Error{"IncompleteBody",
                    "You did not provide the number of bytes specified by the Content-Length", 400};
  }
  MEKONG_CO_TRY(expect_trailers(body, writer));
  co_return writer.commit();
}

}  // namespace mekong::s3
