// Any bytes as CBOR: read to the end or refused, by the values' own kinds and by skipping alike, in bounded
// depth.
#include <string>
#include <string_view>

#include "codec/cbor.h"

namespace mekong::codec {
namespace {

void read(CborReader& in, int depth) {
  if (in.failed() || depth > 300) return;
  switch (in.kind()) {
    case CborReader::Kind::integer:
      in.integer();
      return;
    case CborReader::Kind::real:
      in.real();
      return;
    case CborReader::Kind::bytes: {
      std::string bytes;
      in.bytes(bytes);
      return;
    }
    case CborReader::Kind::text:
      in.text();
      return;
    case CborReader::Kind::boolean:
      in.boolean();
      return;
    case CborReader::Kind::null:
      in.null();
      return;
    case CborReader::Kind::array: {
      auto items = in.open(CborReader::Kind::array);
      while (in.more(items)) read(in, depth + 1);
      return;
    }
    case CborReader::Kind::map: {
      auto pairs = in.open(CborReader::Kind::map);
      while (in.more(pairs)) {
        read(in, depth + 1);
        read(in, depth + 1);
      }
      return;
    }
    default:
      in.fail();
  }
}

}  // namespace
}  // namespace mekong::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using mekong::codec::CborReader;
  const std::string_view input(reinterpret_cast<const char*>(data), size_bytes);
  CborReader reader(input);
  mekong::codec::read(reader, 0);
  if (reader.failed()) return 0;
  CborReader skipping(input);
  skipping.skip();
  if (skipping.failed() || skipping.position() != reader.position()) __builtin_trap();
  return 0;
}
