#include "codec/event_stream.h"

#include "codec/hash.h"

namespace mekong::codec {
namespace {

constexpr size_t kPrelude = 12, kTrailer = 4;
constexpr size_t kMessageMax = 24 << 20, kHeadersMax = 128 << 10;

void put(std::string& out, uint64_t value, int bytes) {
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 255);
}

uint64_t get(std::string_view bytes) {
  uint64_t out = 0;
  for (char c : bytes) out = out << 8 | static_cast<uint8_t>(c);
  return out;
}

int64_t sign_extended(uint64_t value, size_t bytes) {
  const int shift = static_cast<int>(64 - 8 * bytes);
  return static_cast<int64_t>(value << shift) >> shift;
}

Error bad(const char* what) {
  return Error{"InvalidEventStream", std::string("the event stream is broken: ") + what};
}

// Width of a number, -1 for values with a length of their own.
int width(EventHeader::Type type) {
  switch (type) {
    case EventHeader::Type::yes:
    case EventHeader::Type::no:
      return 0;
    case EventHeader::Type::i8:
      return 1;
    case EventHeader::Type::i16:
      return 2;
    case EventHeader::Type::i32:
      return 4;
    case EventHeader::Type::i64:
    case EventHeader::Type::timestamp:
      return 8;
    default:
      return -1;
  }
}

struct Cursor {
  std::string_view left;
  bool failed = false;
  std::string_view take(size_t bytes) {
    if (bytes > left.size()) failed = true;
    auto out = failed ? std::string_view() : left.substr(0, bytes);
    left.remove_prefix(out.size());
    return out;
  }
};

Result<std::vector<EventHeader>> parse_headers(std::string_view bytes) {
  std::vector<EventHeader> out;
  Cursor in{bytes};
  while (!in.left.empty()) {
    EventHeader header;
    header.name = in.take(get(in.take(1)));
    const auto type = get(in.take(1));
    if (in.failed || header.name.empty() || type > static_cast<uint64_t>(EventHeader::Type::uuid))
      return bad("a header");
    header.type = static_cast<EventHeader::Type>(type);
    const int bytes_wide = width(header.type);
    if (bytes_wide > 0) {
      header.number =
          sign_extended(get(in.take(static_cast<size_t>(bytes_wide))), static_cast<size_t>(bytes_wide));
    } else if (header.type == EventHeader::Type::uuid) {
      header.text = in.take(16);
    } else if (bytes_wide < 0) {
      header.text = in.take(get(in.take(2)));
    }
    if (in.failed) return bad("a header's value");
    out.push_back(std::move(header));
  }
  return out;
}

}  // namespace

const std::string* EventMessage::header(std::string_view name) const {
  for (const auto& header : headers) {
    if (header.name == name && header.type == EventHeader::Type::string) return &header.text;
  }
  return nullptr;
}

std::string encode_event_headers(const std::vector<EventHeader>& headers) {
  std::string out;
  for (const auto& header : headers) {
    put(out, header.name.size(), 1);
    out += header.name;
    put(out, static_cast<uint64_t>(header.type), 1);
    const int bytes_wide = width(header.type);
    if (bytes_wide >= 0) {
      put(out, static_cast<uint64_t>(header.number), bytes_wide);
    } else {
      if (header.type != EventHeader::Type::uuid) put(out, header.text.size(), 2);
      out += header.text;
    }
  }
  return out;
}

std::string encode_event(const EventMessage& message) {
  const auto headers = encode_event_headers(message.headers);
  std::string out;
  out.reserve(kPrelude + headers.size() + message.payload.size() + kTrailer);
  put(out, kPrelude + headers.size() + message.payload.size() + kTrailer, 4);
  put(out, headers.size(), 4);
  put(out, crc32(out), 4);
  out += headers;
  out += message.payload;
  put(out, crc32(out), 4);
  return out;
}

Result<std::optional<EventMessage>> EventDecoder::next() {
  if (buffer_.size() < kPrelude) return std::optional<EventMessage>();
  const std::string_view all = buffer_;
  const size_t total = get(all.substr(0, 4)), headers = get(all.substr(4, 4));
  if (crc32(all.substr(0, 8)) != get(all.substr(8, 4))) return bad("the prelude's checksum does not match");
  if (total > kMessageMax || headers > kHeadersMax || total < kPrelude + headers + kTrailer)
    return bad("its lengths");
  if (buffer_.size() < total) return std::optional<EventMessage>();
  if (crc32(all.substr(0, total - kTrailer)) != get(all.substr(total - kTrailer, kTrailer)))
    return bad("a message's checksum does not match");
  EventMessage out;
  MEKONG_TRY_ASSIGN(out.headers, parse_headers(all.substr(kPrelude, headers)));
  out.payload = all.substr(kPrelude + headers, total - kPrelude - headers - kTrailer);
  buffer_.erase(0, total);
  return std::optional(std::move(out));
}

}  // namespace mekong::codec
