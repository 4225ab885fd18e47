// A service as the pipeline sees it: its table, and for each operation how to make the input and call the
// method.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "api/context.h"
#include "api/events.h"
#include "api/shape.h"
#include "api/value.h"

namespace mekong::api {

struct OperationBinding {
  const Operation* operation = nullptr;
  Value (*make_input)() = nullptr;
  // One of the two: the second where the request's body streams.
  Result<Value> (*call)(void* service, Context& context, const void* input) = nullptr;
  Task<Result<Value>> (*call_streaming)(void* service, Context& context, const Operation& operation,
                                        const void* input, BodyReader& body) = nullptr;
  // Streaming replies: one of the two at most.
  BodySourcePtr (*take_body)(void* output) = nullptr;
  ErasedEventsPtr (*take_events)(void* output) = nullptr;
};

struct ServiceBinding {
  const ServiceTable* table = nullptr;
  void* service = nullptr;  // not owned
  std::vector<OperationBinding> operations;
};

template <class S, class In, class Out, Result<Out> (S::*method)(Context&, const In&)>
Result<Value> call_plain(void* service, Context& context, const void* input) {
  auto result = (static_cast<S*>(service)->*method)(context, *static_cast<const In*>(input));
  if (!result.ok()) return std::move(result).error();
  return make_value(std::move(result).value());
}

template <class S, class In, class Out, Task<Result<Out>> (S::*method)(Context&, const In&, BodyReader&)>
Task<Result<Value>> call_streaming(void* service, Context& context, const Operation&, const void* input,
                                   BodyReader& body) {
  auto result = co_await (static_cast<S*>(service)->*method)(context, *static_cast<const In*>(input), body);
  if (!result.ok()) co_return std::move(result).error();
  co_return make_value(std::move(result).value());
}

template <class S, class In, class Out, class E,
          Task<Result<Out>> (S::*method)(Context&, const In&, EventReader<E>&)>
Task<Result<Value>> call_events(void* service, Context& context, const Operation& operation,
                                const void* input, BodyReader& body) {
  EventReader<E> events(operation, body);
  auto result = co_await (static_cast<S*>(service)->*method)(context, *static_cast<const In*>(input), events);
  if (!result.ok()) co_return std::move(result).error();
  co_return make_value(std::move(result).value());
}

template <class Out, BodySourcePtr Out::* body>
BodySourcePtr take_body(void* output) {
  return std::move(static_cast<Out*>(output)->*body);
}

template <class Out, class E, EventSourcePtr<E> Out::* events>
ErasedEventsPtr take_events(void* output) {
  return std::make_unique<TypedEvents<E>>(std::move(static_cast<Out*>(output)->*events));
}

}  // namespace mekong::api
