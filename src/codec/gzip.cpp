#include "codec/gzip.h"

#include <zlib.h>

#include <algorithm>

namespace mekong::codec {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's sign for a gzip header
constexpr size_t kPieceMax = 64 << 10;

Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib reads only
}

}  // namespace

struct Gunzip::Impl {
  z_stream stream{};
  size_t left;
  bool good = false, done = false;
};

Gunzip::Gunzip(size_t max_bytes) : impl_(new Impl{.left = max_bytes}) {
  impl_->good = inflateInit2(&impl_->stream, kGzipWindow) == Z_OK;
}

Gunzip::~Gunzip() {
  inflateEnd(&impl_->stream);
}

bool Gunzip::done() const {
  return impl_->done;
}

Result<std::string> Gunzip::update(std::string_view piece) {
  auto& self = *impl_;
  if (!self.good) return Error{"InvalidGzip", "zlib could not start"};
  std::string out;
  self.stream.next_in = bytes_of(piece);
  self.stream.avail_in = static_cast<uInt>(piece.size());
  while (!self.done) {
    const size_t had = out.size();
    // One byte above the bound tells a bomb from a body that just fits.
    const size_t room = std::min(kPieceMax, self.left + 1);
    out.resize(had + room);
    self.stream.next_out = bytes_of(std::string_view(out).substr(had));
    self.stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&self.stream, Z_NO_FLUSH);
    const size_t made = room - self.stream.avail_out;
    out.resize(had + made);
    if (made > self.left) return Error{"TooLarge", "the gzip stream unpacks to more than is allowed"};
    self.left -= made;
    self.done = result == Z_STREAM_END;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return Error{"InvalidGzip", "the bytes are not gzip"};
    if (made < room) break;  // all input is used
  }
  if (self.done && self.stream.avail_in > 0)
    return Error{"InvalidGzip", "bytes after the end of the gzip stream"};
  return out;
}

Result<std::string> gunzip(std::string_view bytes, size_t max_bytes) {
  Gunzip reader(max_bytes);
  auto out = reader.update(bytes);
  if (out.ok() && !reader.done()) return Error{"InvalidGzip", "the gzip stream is cut off"};
  return out;
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  std::string out(deflateBound(&stream, bytes.size()), 0);
  stream.next_in = bytes_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = bytes_of(out);
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace mekong::codec
