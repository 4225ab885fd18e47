// For tests: a service that sends back what it reads and knows whether its connections have ended. What still
// waits on a Network that goes is never resumed, and leaks; a test ends by wait().
#pragma once
#include <atomic>
#include <memory>

#include "os/net.h"

namespace mekong::os {

class Echo {
 public:
  Network::Accept accept() const {
    return [counts = counts_](ConnectionPtr connection) { return serve(counts, std::move(connection)); };
  }
  // Until all connections that were served have ended, and there were at least so many.
  void wait(int served) const {
    for (int ended = counts_->ended; ended < served || ended < counts_->begun; ended = counts_->ended) {
      counts_->ended.wait(ended);
    }
  }

 private:
  struct Counts {
    std::atomic<int> begun{0}, ended{0};
  };
  static Task<void> serve(std::shared_ptr<Counts> counts, ConnectionPtr connection) {
    ++counts->begun;
    while (true) {
      auto got = co_await connection->read_some(50'000, 0);
      if (!got.ok()) break;
      auto put = co_await connection->write(*got, 0);
      if (!put.ok()) break;
    }
    ++counts->ended;
    counts->ended.notify_all();
  }
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

}  // namespace mekong::os
