// A service as the pipeline sees it: its table, and for each operation how to make the input and call the
// method.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "api/context.h"
#include "api/shape.h"

namespace mekong::api {

// Owns a generated struct whose type only its table knows.
using Value = std::unique_ptr<void, void (*)(void*)>;

template <class T>
Value make_value() {
  return Value(new T(), [](void* value) { delete static_cast<T*>(value); });
}
template <class T>
Value make_value(T&& value) {
  using V = std::remove_cvref_t<T>;
  return Value(new V(std::forward<T>(value)), [](void* held) { delete static_cast<V*>(held); });
}

struct OperationBinding {
  const Operation* operation = nullptr;
  Value (*make_input)() = nullptr;
  // One of the two: the second where the request's body streams.
  Result<Value> (*call)(void* service, Context& context, const void* input) = nullptr;
  Task<Result<Value>> (*call_streaming)(void* service, Context& context, const void* input,
                                        BodyReader& body) = nullptr;
  BodySourcePtr (*take_body)(void* output) = nullptr;  // streaming replies
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
Task<Result<Value>> call_streaming(void* service, Context& context, const void* input, BodyReader& body) {
  auto result = co_await (static_cast<S*>(service)->*method)(context, *static_cast<const In*>(input), body);
  if (!result.ok()) co_return std::move(result).error();
  co_return make_value(std::move(result).value());
}

template <class Out, BodySourcePtr Out::* body>
BodySourcePtr take_body(void* output) {
  return std::move(static_cast<Out*>(output)->*body);
}

}  // namespace mekong::api
