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
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void ThreadPool::post(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void ThreadPool::run(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
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
