// A generated struct whose type only its table knows.
#pragma once
#include <memory>
#include <type_traits>
#include <utility>

namespace mekong::api {

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

}  // namespace mekong::api
