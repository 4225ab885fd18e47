#include "codec/compress.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "codec/gzip.h"

namespace mekong::codec {
namespace {

constexpr size_t piece_bytes = 256 << 10;
// https://github.com/xerial/snappy-java: SnappyCodec's magic, then two versions of four bytes.
constexpr std::string_view snappy_java_magic("\x82SNAPPY\0", 8);
constexpr size_t snappy_java_header_bytes = 16;

Error corrupt(const char* kind) {
  return {"Corrupt", std::string("the bytes are not ") + kind};
}
Error too_large() {
  return {"TooLarge", "unpacks to more than is allowed"};
}

Status unpack_snappy(std::string_view bytes, size_t max_bytes, std::string& out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(bytes.data(), bytes.size(), &size)) return corrupt("snappy");
  if (size > max_bytes - out.size()) return too_large();
  std::string piece;
  if (!snappy::Uncompress(bytes.data(), bytes.size(), &piece)) return corrupt("snappy");
  out += piece;
  return ok();
}

Result<std::string> unpack_snappy_frames(std::string_view bytes, size_t max_bytes) {
  std::string out;
  bytes.remove_prefix(std::min(bytes.size(), snappy_java_header_bytes));
  while (!bytes.empty()) {
    if (bytes.size() < 4) return corrupt("snappy");
    size_t size = 0;
    for (size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
    bytes.remove_prefix(4);
    if (size > bytes.size()) return corrupt("snappy");
    MEKONG_TRY(unpack_snappy(bytes.substr(0, size), max_bytes, out));
    bytes.remove_prefix(size);
  }
  return out;
}

Result<std::string> unpack_lz4(std::string_view bytes, size_t max_bytes) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) != 0) return corrupt("lz4");
  const std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context(
      raw, &LZ4F_freeDecompressionContext);
  std::string out;
  for (size_t left = 1; left != 0;) {
    const size_t had = out.size();
    out.resize(had + piece_bytes);
    size_t made = piece_bytes, used = bytes.size();
    left = LZ4F_decompress(raw, out.data() + had, &made, bytes.data(), &used, nullptr);
    if (LZ4F_isError(left) != 0) return corrupt("lz4");
    out.resize(had + made);
    bytes.remove_prefix(used);
    if (out.size() > max_bytes) return too_large();
    if (left != 0 && made == 0 && used == 0) return corrupt("lz4");  // cut off
  }
  return out;
}

Result<std::string> unpack_zstd(std::string_view bytes, size_t max_bytes) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(),
                                                                          &ZSTD_freeDStream);
  std::string out;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (size_t left = 1; left != 0;) {
    const size_t had = out.size(), used = in.pos;
    out.resize(had + piece_bytes);
    ZSTD_outBuffer to{out.data() + had, piece_bytes, 0};
    left = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(left) != 0) return corrupt("zstd");
    out.resize(had + to.pos);
    if (out.size() > max_bytes) return too_large();
    if (left != 0 && to.pos == 0 && in.pos == used) return corrupt("zstd");  // cut off
    if (left == 0 && in.pos < in.size) left = 1;                             // a further frame
  }
  return out;
}

Result<std::string> pack_lz4(std::string_view bytes) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Kafka's Java client reads no other
  std::string out(LZ4F_compressFrameBound(bytes.size(), &preferences), '\0');
  const size_t made = LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), &preferences);
  if (LZ4F_isError(made) != 0) return corrupt("to be packed");
  out.resize(made);
  return out;
}

Result<std::string> pack_zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t made = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(made) != 0) return corrupt("to be packed");
  out.resize(made);
  return out;
}

}  // namespace

Result<std::string> decompress(Compression kind, std::string_view bytes, size_t max_bytes) {
  switch (kind) {
    case Compression::none:
      if (bytes.size() > max_bytes) return too_large();
      return std::string(bytes);
    case Compression::gzip: {
      auto out = gunzip(bytes, max_bytes);
      return out.ok() || out.error().code == "TooLarge" ? out : corrupt("gzip");
    }
    case Compression::snappy: {
      if (bytes.starts_with(snappy_java_magic)) return unpack_snappy_frames(bytes, max_bytes);
      std::string out;
      MEKONG_TRY(unpack_snappy(bytes, max_bytes, out));
      return out;
    }
    case Compression::lz4:
      return unpack_lz4(bytes, max_bytes);
    case Compression::zstd:
      return unpack_zstd(bytes, max_bytes);
  }
  return corrupt("of a known compression");
}

Result<std::string> compress(Compression kind, std::string_view bytes) {
  switch (kind) {
    case Compression::none:
      return std::string(bytes);
    case Compression::gzip:
      return gzip(bytes);
    case Compression::snappy: {
      std::string out;
      snappy::Compress(bytes.data(), bytes.size(), &out);
      return out;
    }
    case Compression::lz4:
      return pack_lz4(bytes);
    case Compression::zstd:
      return pack_zstd(bytes);
  }
  return corrupt("to be packed");
}

}  // namespace mekong::codec
