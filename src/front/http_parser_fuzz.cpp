// Any bytes as an HTTP/1 head and, where it says so, a chunked body: refused or read, the same whether they
// come at once or byte by byte.
#include <cstdint>
#include <string>

#include "front/http_parser.h"

namespace mekong::front {
namespace {

// What the bytes mean, or the error's message.
std::string read(std::string_view bytes, size_t step) {
  std::string buffer;
  size_t scanned = 0, at = 0;
  std::optional<ParsedHead> head;
  ChunkDecoder body;
  std::string out;
  while (at < bytes.size()) {
    const auto piece = bytes.substr(at, step);
    at += piece.size();
    buffer += piece;
    if (!head) {
      auto size = find_head(buffer, scanned);
      if (!size.ok()) return out + "!" + size.error().message;
      if (!size->has_value()) continue;
      auto parsed = parse_head(std::string_view(buffer).substr(0, **size), 256);
      if (!parsed.ok()) return out + "!" + parsed.error().message;
      buffer.erase(0, **size);
      head = std::move(*parsed);
      out = head->head.method + " " + head->head.raw_path + "?" + head->head.raw_query + "\n";
      for (const auto& [name, value] : head->head.headers) {
        if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) __builtin_trap();
        out += name + ":" + value + "\n";
      }
      if (head->chunked && head->head.content_length >= 0) __builtin_trap();
    }
    if (!head->chunked) continue;
    while (!body.done()) {
      auto decoded = body.decode(buffer);
      if (!decoded.ok()) return out + "!" + decoded.error().message;
      if (decoded->empty()) break;
      out += *decoded;
    }
  }
  return out;
}

}  // namespace
}  // namespace mekong::front

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto once = mekong::front::read(bytes, bytes.size() + 1);
  const auto slowly = mekong::front::read(bytes, 1);
  // An error may be seen before the data in front of it is handed out.
  if (once.find('!') == std::string::npos && once != slowly) __builtin_trap();
  return 0;
}
