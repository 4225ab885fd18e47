// Event streams: generated unions to frames and back, in both directions.
// https://smithy.io/2.0/aws/amazon-eventstream.html
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "api/shape.h"
#include "api/types.h"
#include "api/value.h"
#include "codec/event_stream.h"

namespace mekong::api {

// Frames of a request, read one after the other. Used by EventReader.
class EventInput {
 public:
  // Both must outlive it.
  EventInput(const Operation& operation, BodyReader& body) : operation_(operation), body_(body) {}
  // Fills `out` (of the operation's union) with the next event; false at the end. Errors: those of the body,
  // "SerializationException", "InvalidEventStream". Events that the model does not know are skipped.
  Task<Result<bool>> next(void* out);

 private:
  const Operation& operation_;
  BodyReader& body_;
  codec::EventDecoder decoder_;
};

template <class E>
class EventReader {
 public:
  EventReader(const Operation& operation, BodyReader& body) : input_(operation, body) {}
  // Absent at the end of the client's stream. One coroutine at a time.
  Task<Result<std::optional<E>>> next() {
    E event;
    auto read = co_await input_.next(&event);
    if (!read.ok()) co_return std::move(read).error();
    co_return *read ? std::optional<E>(std::move(event)) : std::nullopt;
  }

 private:
  EventInput input_;
};

// An EventSource whose union only the table knows.
class ErasedEvents {
 public:
  virtual ~ErasedEvents() = default;
  virtual Task<Result<Value>> next() = 0;  // null at the end
};
using ErasedEventsPtr = std::unique_ptr<ErasedEvents>;

template <class E>
class TypedEvents final : public ErasedEvents {
 public:
  explicit TypedEvents(EventSourcePtr<E> source) : source_(std::move(source)) {}
  Task<Result<Value>> next() override {
    auto event = co_await source_->next();
    if (!event.ok()) co_return std::move(event).error();
    if (!event->has_value()) co_return Value(nullptr, [](void*) {});
    co_return make_value(std::move(**event));
  }

 private:
  EventSourcePtr<E> source_;
};

// The reply's body. `initial`: the first frame of RPC protocols, made of the other members; empty for REST.
BodySourcePtr event_body(Protocol protocol, const Operation& operation, ErasedEventsPtr events,
                         std::string initial);
// That first frame.
std::string initial_response(Protocol protocol, const Operation& operation, const void* output);

// One event of a union as its frame, and one frame into a union. Errors: "SerializationException".
std::string encode_event(Protocol protocol, const Shape& events, const void* value);
Result<bool> decode_event(const Shape& events, const codec::EventMessage& message, void* out);

}  // namespace mekong::api
