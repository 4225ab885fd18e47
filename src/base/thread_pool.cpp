#include "base/thread_pool.h"

#include <pthread.h>

namespace mekong {

ThreadPool::ThreadPool(std::string name, int threads) {
  const std::string kept = std::move(name);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, kept] { run(kept); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Idle* idle : idle_) idle->wake.notify_one();
    idle_.clear();  // they end; nobody joins them from now on
  }
  for (auto& thread : threads_) thread.join();
}

void ThreadPool::post(std::function<void()> work) {
  std::unique_lock lock(mutex_);
  queue_.push_back(std::move(work));
  if (idle_.empty()) return;
  Idle* last = idle_.back();
  idle_.pop_back();
  last->woken = true;
  lock.unlock();
  last->wake.notify_one();
}

void ThreadPool::run(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  Idle self;
  std::unique_lock lock(mutex_);
  while (true) {
    while (queue_.empty() && !stopping_) {
      self.woken = false;
      idle_.push_back(&self);
      self.wake.wait(lock, [&] { return self.woken || stopping_; });
    }
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    {
      Scope scope(this);
      work();
      work = nullptr;
    }
    lock.lock();
  }
}

}  // namespace mekong
