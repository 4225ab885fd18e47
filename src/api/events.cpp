#include "api/events.h"

#include "api/cbor_wire.h"
#include "api/json_wire.h"
#include "api/xml_wire.h"

namespace mekong::api {
namespace {

using codec::EventHeader;
using codec::EventMessage;
using HeaderType = EventHeader::Type;

EventHeader text_header(const char* name, std::string value) {
  return {name, HeaderType::string, 0, std::move(value)};
}

const char* body_type(Protocol protocol) {
  switch (protocol) {
    case Protocol::rest_xml:
      return "application/xml";
    case Protocol::rest_json:
      return "application/json";
    case Protocol::rpc_cbor:
      return "application/cbor";
    default:
      return "application/x-amz-json-1.1";
  }
}

std::string body_of(Protocol protocol, const Shape& shape, const void* value) {
  std::string out;
  if (protocol == Protocol::rpc_cbor) {
    codec::CborWriter writer(out);
    write_cbor_members(writer, shape, CborTime::seconds, value);
  } else if (protocol == Protocol::rest_xml) {
    codec::XmlWriter writer(out);
    writer.begin(shape.name);
    write_xml_members(writer, shape, value);
    writer.end();
  } else {
    codec::JsonWriter writer(out);
    write_json_members(writer, shape, value);
  }
  return out;
}

EventHeader header_of(const Member& member, const void* value) {
  EventHeader out{member.wire, HeaderType::string, 0, ""};
  switch (member.shape->kind) {
    case Kind::boolean:
      out.type = *static_cast<const bool*>(value) ? HeaderType::yes : HeaderType::no;
      break;
    case Kind::int32:
      out.type = HeaderType::i32;
      out.number = *static_cast<const int32_t*>(value);
      break;
    case Kind::int64:
      out.type = HeaderType::i64;
      out.number = *static_cast<const int64_t*>(value);
      break;
    case Kind::timestamp:
      out.type = HeaderType::timestamp;
      out.number = static_cast<const Timestamp*>(value)->ms;
      break;
    case Kind::blob:
      out.type = HeaderType::bytes;
      out.text = *static_cast<const std::string*>(value);
      break;
    default:
      out.text = format_scalar(member, value, TimeFormat::iso8601);
  }
  return out;
}

void write_payload(Protocol protocol, const Member& member, const void* value, EventMessage& message) {
  const Kind kind = member.shape->kind;
  if (kind == Kind::blob || kind == Kind::string) {
    message.headers.push_back(
        text_header(":content-type", kind == Kind::blob ? "application/octet-stream" : "text/plain"));
    message.payload = *static_cast<const std::string*>(value);
    return;
  }
  message.headers.push_back(text_header(":content-type", body_type(protocol)));
  message.payload = body_of(protocol, *member.shape, value);
}

void write_event(Protocol protocol, const Shape& shape, const void* event, EventMessage& message) {
  bool payload = false, plain = false;
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Member& member = shape.members[i];
    const void* value = member.get(event);
    payload = payload || member.event_payload;
    plain = plain || (!member.event_header && !member.event_payload);
    if (value == nullptr) continue;
    if (member.event_header) message.headers.push_back(header_of(member, value));
    if (member.event_payload) write_payload(protocol, member, value, message);
  }
  if (payload || !plain) return;
  message.headers.push_back(text_header(":content-type", body_type(protocol)));
  message.payload = body_of(protocol, shape, event);
}

Status read_header(const Member& member, const EventHeader& header, void* out) {
  const auto wrong = [&] { return Error{"SerializationException", "the event's header " + header.name}; };
  switch (member.shape->kind) {
    case Kind::boolean:
      if (header.type != HeaderType::yes && header.type != HeaderType::no) return wrong();
      *static_cast<bool*>(out) = header.type == HeaderType::yes;
      return {};
    case Kind::int32:
      if (header.number < INT32_MIN || header.number > INT32_MAX) return wrong();
      *static_cast<int32_t*>(out) = static_cast<int32_t>(header.number);
      return {};
    case Kind::int64:
      *static_cast<int64_t*>(out) = header.number;
      return {};
    case Kind::timestamp:
      if (header.type != HeaderType::timestamp) return wrong();
      static_cast<Timestamp*>(out)->ms = header.number;
      return {};
    default:
      if (header.type != HeaderType::string && header.type != HeaderType::bytes) return wrong();
      *static_cast<std::string*>(out) = header.text;
      return {};
  }
}

// Bodies of events in requests: JSON, or XML where the frame says so.
Status read_body(const Shape& shape, const EventMessage& message, void* out, Seen& seen,
                 Violations& violations) {
  if (message.payload.empty()) return {};
  const auto* type = message.header(":content-type");
  if (type == nullptr || !type->ends_with("xml"))
    return read_json_members(message.payload, shape, out, seen, violations);
  auto root = codec::parse_xml(message.payload);
  if (!root.ok()) return Error{"SerializationException", "the event is not well-formed XML"};
  return read_xml_members(*root, shape, out, nullptr, seen, violations);
}

Status read_payload(const Member& member, const EventMessage& message, void* out, Violations& violations) {
  const Kind kind = member.shape->kind;
  if (kind == Kind::blob || kind == Kind::string) {
    *static_cast<std::string*>(out) = message.payload;
    return {};
  }
  Seen seen(*member.shape);
  return read_body(*member.shape, message, out, seen, violations);
}

Status read_event(const Shape& shape, const EventMessage& message, void* out) {
  Seen seen(shape);
  Violations violations;
  bool payload = false;
  for (size_t i = 0; i < shape.member_count; ++i) {
    const Member& member = shape.members[i];
    if (member.event_payload) {
      payload = true;
      seen.mark(member);
      MEKONG_TRY(read_payload(member, message, member.set(out), violations));
    }
    for (const auto& header : message.headers) {
      if (!member.event_header || header.name != member.wire) continue;
      seen.mark(member);
      MEKONG_TRY(read_header(member, header, member.set(out)));
    }
  }
  if (!payload) MEKONG_TRY(read_body(shape, message, out, seen, violations));
  seen.report(nullptr, violations);
  if (violations.empty()) return {};
  return Error{"SerializationException", "the event lacks " + violations.front().at};
}

std::string message_body(Protocol protocol, const Error& error) {
  std::string out;
  if (protocol == Protocol::rpc_cbor) {
    codec::CborWriter writer(out);
    writer.map(1);
    writer.text("message");
    writer.text(error.message);
  } else if (protocol == Protocol::rest_xml) {
    codec::XmlWriter writer(out);
    writer.begin(error.code);
    writer.element("message", error.message);
    writer.end();
  } else {
    codec::JsonWriter writer(out);
    writer.begin_object();
    writer.key("message");
    writer.value(std::string_view(error.message));
    writer.end_object();
  }
  return out;
}

std::string exception_frame(Protocol protocol, const Operation& operation, const Error& error) {
  const Shape& events = *operation.event_output->shape;
  EventMessage message;
  const Member* known = nullptr;
  for (size_t i = 0; i < events.member_count; ++i) {
    if (error.code == events.members[i].shape->name) known = &events.members[i];
  }
  if (known == nullptr) {
    message.headers = {text_header(":message-type", "error"), text_header(":error-code", error.code),
                       text_header(":error-message", error.message)};
    return codec::encode_event(message);
  }
  message.headers = {text_header(":message-type", "exception"), text_header(":exception-type", known->wire),
                     text_header(":content-type", body_type(protocol))};
  message.payload = message_body(protocol, error);
  return codec::encode_event(message);
}

class EventBody final : public BodySource {
 public:
  EventBody(Protocol protocol, const Operation& operation, ErasedEventsPtr events, std::string initial)
      : protocol_(protocol),
        operation_(operation),
        events_(std::move(events)),
        initial_(std::move(initial)) {}

  Result<std::string> read() override { return Error{"InternalFailure", "events are awaited, not read"}; }
  int64_t length() const override { return -1; }

  Task<Result<std::string>> next() override {
    if (!initial_.empty()) co_return std::exchange(initial_, {});
    if (events_ == nullptr) co_return std::string();
    auto event = co_await events_->next();
    if (event.ok() && *event != nullptr)
      co_return encode_event(protocol_, *operation_.event_output->shape, event->get());
    events_.reset();
    if (event.ok()) co_return std::string();
    co_return exception_frame(protocol_, operation_, event.error());
  }

 private:
  const Protocol protocol_;
  const Operation& operation_;
  ErasedEventsPtr events_;
  std::string initial_;
};

}  // namespace

Task<Result<bool>> EventInput::next(void* out) {
  while (true) {
    auto message = decoder_.next();
    if (!message.ok()) co_return std::move(message).error();
    if (message->has_value()) {
      auto known = decode_event(*operation_.event_input->shape, **message, out);
      if (!known.ok() || *known) co_return known;
      continue;
    }
    auto piece = co_await body_.read();
    if (!piece.ok()) co_return std::move(piece).error();
    if (piece->empty() && !decoder_.empty())
      co_return Error{"InvalidEventStream", "the event stream ends inside of a message"};
    if (piece->empty()) co_return false;
    decoder_.feed(*piece);
  }
}

std::string encode_event(Protocol protocol, const Shape& events, const void* value) {
  EventMessage message;
  for (size_t i = 0; i < events.member_count; ++i) {
    const Member& member = events.members[i];
    const void* event = member.get(value);
    if (event == nullptr) continue;
    message.headers = {text_header(":message-type", "event"), text_header(":event-type", member.wire)};
    write_event(protocol, *member.shape, event, message);
    break;
  }
  return codec::encode_event(message);
}

Result<bool> decode_event(const Shape& events, const EventMessage& message, void* out) {
  const auto* type = message.header(":event-type");
  for (size_t i = 0; type != nullptr && i < events.member_count; ++i) {
    const Member& member = events.members[i];
    if (*type != member.wire) continue;
    MEKONG_TRY(read_event(*member.shape, message, member.set(out)));
    return true;
  }
  return false;
}

std::string initial_response(Protocol protocol, const Operation& operation, const void* output) {
  if (protocol == Protocol::rest_json || protocol == Protocol::rest_xml) return {};
  EventMessage message;
  message.headers = {text_header(":message-type", "event"), text_header(":event-type", "initial-response"),
                     text_header(":content-type", body_type(protocol))};
  message.payload = body_of(protocol, *operation.output, output);
  return codec::encode_event(message);
}

BodySourcePtr event_body(Protocol protocol, const Operation& operation, ErasedEventsPtr events,
                         std::string initial) {
  return std::make_unique<EventBody>(protocol, operation, std::move(events), std::move(initial));
}

}  // namespace mekong::api
