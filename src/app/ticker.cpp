#include "app/ticker.h"

#include <chrono>

namespace mekong::app {

Ticker::Ticker(int64_t every_ms, std::function<void()> work) {
  thread_ = std::thread([this, every_ms, work = std::move(work)] {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(every_ms), [this] { return stopping_; })) {
      lock.unlock();
      work();
      lock.lock();
    }
  });
}

Ticker::~Ticker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

}  // namespace mekong::app
