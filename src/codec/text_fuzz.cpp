// Any bytes as each of the small text forms: what is accepted is written and read alike.
#include <string>
#include <string_view>

#include "codec/encoded_words.h"
#include "codec/gzip.h"
#include "codec/json.h"
#include "codec/text.h"
#include "codec/time.h"

namespace mekong::codec {
namespace {

void hold(bool law) {
  if (!law) __builtin_trap();
}

void read_all(std::string_view text) {
  if (const auto bytes = base64_decode(text)) hold(base64_decode(base64_encode(*bytes)) == bytes);
  if (const auto bytes = hex_decode(text)) hold(hex_decode(hex_encode(*bytes)) == bytes);
  if (const auto decoded = percent_decode(text)) hold(percent_decode(percent_encode(*decoded)) == decoded);
  (void)parse_query(text, true);
  hold(valid_utf8(decode_words(text)) || !valid_utf8(text));
  if (const auto ms = parse_iso8601(text)) hold(parse_iso8601(format_iso8601(*ms)) == ms);
  if (const auto ms = parse_rfc822(text)) (void)format_rfc822(*ms);
  (void)gunzip(text, 1 << 20);
  const auto json = parse_json(text);
  if (!json.ok()) return;
  const auto again = parse_json(json->dump());
  hold(again.ok() && again->dump() == json->dump());
}

}  // namespace
}  // namespace mekong::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  mekong::codec::read_all(std::string_view(reinterpret_cast<const char*>(data), size_bytes));
  return 0;
}
