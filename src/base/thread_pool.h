// A bounded pool of threads for work that may block (metadata reads, files, fork, long hashing).
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/executor.h"

namespace mekong {

class ThreadPool final : public Executor {
 public:
  ThreadPool(std::string name, int threads);
  ~ThreadPool() override;  // runs what is queued, then joins
  void post(std::function<void()> work) override;

 private:
  // A thread that waits. The one that stopped last is woken first: its stack and caches are warm.
  struct Idle {
    std::condition_variable wake;
    bool woken = false;
  };
  void run(const std::string& name);
  std::mutex mutex_;
  std::vector<Idle*> idle_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mekong
