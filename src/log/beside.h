// A thread that does one thing while its owner does another.
#pragma once
#include <pthread.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/result.h"

namespace mekong::log {

// Begun with the first work. One owner, which ends what it has begun before it begins anew or destroys this.
class Beside {
 public:
  ~Beside() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  void begin(std::function<Status()> work) {
    if (!thread_.joinable()) make_thread();
    {
      std::lock_guard lock(mutex_);
      work_ = std::move(work);
      done_.reset();
    }
    wake_.notify_all();
  }
  // Waits for it; where the machine has given no thread, does it.
  Status end() {
    if (!thread_.joinable()) return std::exchange(work_, nullptr)();
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return done_.has_value(); });
    return *std::exchange(done_, std::nullopt);
  }

 private:
  void make_thread() {
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      return;  // end() does it
    }
  }
  void run() {
    pthread_setname_np(pthread_self(), "mekong-log-by");
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || work_; });
      if (!work_) return;
      auto work = std::exchange(work_, nullptr);
      lock.unlock();
      auto done = work();
      lock.lock();
      done_ = std::move(done);
      wake_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::function<Status()> work_;
  std::optional<Status> done_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mekong::log
