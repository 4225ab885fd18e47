// Where work runs. An I/O executor (one event loop a core) never blocks; a pool executor may, briefly.
#pragma once
#include <functional>

namespace mekong {

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` later, on a thread of this executor. Callable from any thread. Never runs it inline.
  virtual void post(std::function<void()> work) = 0;

  // The executor whose work runs on this thread now; null outside of any.
  static Executor* current();

 protected:
  // An implementation wraps each slice of work in a Scope, so that current() is right inside it.
  class Scope {
   public:
    explicit Scope(Executor* executor);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Executor* before_;
  };
};

}  // namespace mekong
