// Calls a function every so often on a thread of its own, until destroyed.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace mekong::app {

class Ticker {
 public:
  Ticker(int64_t every_ms, std::function<void()> work);
  ~Ticker();  // waits for a call that runs
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mekong::app
