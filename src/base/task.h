// Task<T>: a lazy coroutine; Promise<T>/Future<T>: one value handed from any thread to one waiter.
//
// A Task starts when awaited or spawned and lives in its parent's frame. `co_await future` resumes on the
// executor that was current when it suspended (inline on the setter's thread where there was none).
// Bind what you await to a local: no co_await inside a braced list or a conditional expression.
#pragma once
#include <condition_variable>
#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/executor.h"

namespace mekong {

template <class T>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class P>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) const noexcept {
    auto next = h.promise().continuation;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct TaskPromiseBase {
  std::coroutine_handle<> continuation = nullptr;
  std::exception_ptr exception = nullptr;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() { exception = std::current_exception(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle_.promise().continuation = waiter;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

template <class T>
struct FutureState {
  std::mutex mutex;
  std::condition_variable ready;
  std::optional<T> value;
  std::coroutine_handle<> waiter = nullptr;
  Executor* executor = nullptr;
  std::function<void()> callback;
};
}  // namespace detail

template <class T>
class [[nodiscard]] Future {
 public:
  Future() = default;
  explicit Future(std::shared_ptr<detail::FutureState<T>> state) : state_(std::move(state)) {}

  // A future that already holds its value.
  static Future ready(T value) {
    auto state = std::make_shared<detail::FutureState<T>>();
    state->value.emplace(std::move(value));
    return Future(std::move(state));
  }

  // The same for every copy of this future, and for no other one alive.
  const void* identity() const { return state_.get(); }

  bool is_ready() const {
    std::lock_guard lock(state_->mutex);
    return state_->value.has_value();
  }
  // Blocks this thread: never on an I/O executor.
  T get() {
    std::unique_lock lock(state_->mutex);
    state_->ready.wait(lock, [this] { return state_->value.has_value(); });
    return std::move(*state_->value);
  }
  // Calls back once the value is there, on the setter's thread (inline if it is there already); then get()
  // does not block. Instead of awaiting, not beside it.
  void then(std::function<void()> callback) {
    {
      std::lock_guard lock(state_->mutex);
      if (!state_->value.has_value()) {
        state_->callback = std::move(callback);
        return;
      }
    }
    callback();
  }

  bool await_ready() const { return is_ready(); }
  bool await_suspend(std::coroutine_handle<> waiter) {
    std::lock_guard lock(state_->mutex);
    if (state_->value.has_value()) return false;
    state_->waiter = waiter;
    state_->executor = Executor::current();
    return true;
  }
  T await_resume() {
    std::lock_guard lock(state_->mutex);
    return std::move(*state_->value);
  }

 private:
  std::shared_ptr<detail::FutureState<T>> state_;
};

template <class T>
class Promise {
 public:
  Promise() : state_(std::make_shared<detail::FutureState<T>>()) {}
  Future<T> future() const { return Future<T>(state_); }
  // Sets the value; the second and later calls do nothing (a reply and its time-out may race). Whoever waits
  // may destroy this promise as soon as the value is there: from then on only the state is touched, held
  // here.
  void set(T value) const {
    std::coroutine_handle<> waiter;
    Executor* executor = nullptr;
    std::function<void()> callback;
    const auto state = state_;
    {
      std::lock_guard lock(state->mutex);
      if (state->value.has_value()) return;
      state->value.emplace(std::move(value));
      waiter = std::exchange(state->waiter, nullptr);
      executor = state->executor;
      callback = std::move(state->callback);
    }
    state->ready.notify_all();
    if (callback) callback();
    if (!waiter) return;
    if (executor != nullptr) {
      executor->post([waiter] { waiter.resume(); });
    } else {
      waiter.resume();
    }
  }

 private:
  std::shared_ptr<detail::FutureState<T>> state_;
};

// How `co_await` goes on on another executor: resume_on() and resume_behind().
struct ResumeOn {
  Executor& executor;
  bool behind;
  bool await_ready() const noexcept { return !behind && Executor::current() == &executor; }
  void await_suspend(std::coroutine_handle<> waiter) const {
    executor.post([waiter] { waiter.resume(); });
  }
  void await_resume() const noexcept {}
};
// `co_await resume_on(executor)`: go on there; at once, if it is there already.
inline ResumeOn resume_on(Executor& executor) {
  return {executor, false};
}
// `co_await resume_behind(executor)`: go on there behind what waits there already.
inline ResumeOn resume_behind(Executor& executor) {
  return {executor, true};
}

namespace detail {
struct Detached {
  struct promise_type {
    Detached get_return_object() const { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const { std::terminate(); }  // a spawned task handles its own errors
  };
};
inline Detached run_detached(Task<void> task) {
  co_await task;
}
template <class T>
Detached run_into(Task<T> task, Promise<T> promise) {
  promise.set(co_await task);
}
}  // namespace detail

// Starts `task` on `executor` and lets it run on its own. Its owner must give it a way to end.
inline void spawn(Executor& executor, Task<void> task) {
  auto shared = std::make_shared<Task<void>>(std::move(task));
  executor.post([shared] { detail::run_detached(std::move(*shared)); });
}

// Runs `task` here, up to where it first waits; then it runs on its own, as a spawned one does.
inline void run_from_here(Task<void> task) {
  detail::run_detached(std::move(task));
}

// Runs `task` from plain code and blocks until it is done: never on an I/O executor.
template <class T>
T sync_wait(Task<T> task) {
  Promise<T> promise;
  auto future = promise.future();
  detail::run_into(std::move(task), promise);
  return future.get();
}

}  // namespace mekong
