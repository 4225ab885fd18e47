// Any bytes, cut into two pieces, as an event stream: the cut changes nothing, and what is read is written
// alike.
#include <string>
#include <string_view>
#include <vector>

#include "codec/event_stream.h"

namespace mekong::codec {
namespace {

std::vector<EventMessage> read(std::string_view first, std::string_view second, bool& failed) {
  EventDecoder decoder;
  std::vector<EventMessage> out;
  for (const auto piece : {first, second}) {
    decoder.feed(piece);
    while (true) {
      auto message = decoder.next();
      failed = failed || !message.ok();
      if (!message.ok() || !message->has_value()) break;
      out.push_back(std::move(**message));
    }
    if (failed) break;
  }
  return out;
}

}  // namespace
}  // namespace mekong::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace mekong::codec;
  if (size_bytes == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size_bytes - 1);
  const size_t cut = std::min<size_t>(data[0], input.size());
  bool failed = false, failed_again = false;
  const auto messages = read(input, {}, failed);
  const auto cut_messages = read(input.substr(0, cut), input.substr(cut), failed_again);
  if (failed != failed_again || messages.size() != cut_messages.size()) __builtin_trap();
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto bytes = encode_event(messages[i]);
    bool broken = false;
    const auto again = read(bytes, {}, broken);
    if (broken || again.size() != 1 || again[0].headers != messages[i].headers ||
        again[0].payload != cut_messages[i].payload) {
      __builtin_trap();
    }
  }
  return 0;
}
