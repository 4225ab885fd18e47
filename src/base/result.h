// Result<T>: a value or a named error. Expected failures are values; an exception means a bug or a lost
// resource. Error::code is the name the real service uses (AWS error code or Kafka error name); the face that
// answers turns it into its protocol's shape, the HTTP status comes from the service model.
#pragma once
#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mekong {

struct Error {
  std::string code;     // e.g. "ResourceNotFoundException"
  std::string message;  // for people: what, why, what next
  int http_status = 0;  // 0: as the service model says for the code, else 400
  // Members of the modelled error shape besides the message, by wire name.
  std::vector<std::pair<std::string, std::string>> fields = {};
  // The whole modelled error structure where `fields` cannot say it (api::fail); its type goes with the code.
  std::shared_ptr<const void> detail = {};
};

template <class T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  Error& error() & {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  Error& error() & {
    assert(!ok());
    return *error_;
  }
  const Error& error() const& {
    assert(!ok());
    return *error_;
  }
  Error&& error() && {
    assert(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;
inline Status ok() {
  return {};
}

}  // namespace mekong

// MEKONG_TRY(expr): returns the error from the enclosing function (or coroutine with MEKONG_CO_TRY).
// MEKONG_TRY_ASSIGN(auto x, expr): the same, and binds the value.
#define MEKONG_CAT2(a, b) a##b
#define MEKONG_CAT(a, b) MEKONG_CAT2(a, b)
#define MEKONG_TRY_IMPL(tmp, ret, expr)        \
  do {                                         \
    auto tmp = (expr);                         \
    if (!tmp.ok()) ret std::move(tmp).error(); \
  } while (0)
#define MEKONG_TRY(expr) MEKONG_TRY_IMPL(MEKONG_CAT(mekong_try_, __LINE__), return, expr)
#define MEKONG_CO_TRY(expr) MEKONG_TRY_IMPL(MEKONG_CAT(mekong_try_, __LINE__), co_return, expr)
#define MEKONG_TRY_ASSIGN_IMPL(tmp, ret, target, expr) \
  auto tmp = (expr);                                   \
  if (!tmp.ok()) ret std::move(tmp).error();           \
  target = std::move(tmp).value()
#define MEKONG_TRY_ASSIGN(target, expr) \
  MEKONG_TRY_ASSIGN_IMPL(MEKONG_CAT(mekong_try_, __LINE__), return, target, expr)
#define MEKONG_CO_TRY_ASSIGN(target, expr) \
  MEKONG_TRY_ASSIGN_IMPL(MEKONG_CAT(mekong_try_, __LINE__), co_return, target, expr)
