#include <deque>
#include <mutex>
#include <optional>

#include "os/net.h"

namespace mekong::os {
namespace {

// One direction of the stream: what one end wrote and the other has not read.
struct Channel {
  std::mutex mutex;
  std::string bytes;
  bool closed = false;
  std::optional<Promise<bool>> reader;

  void wake(std::unique_lock<std::mutex> lock) {
    auto waiting = std::exchange(reader, std::nullopt);
    lock.unlock();
    if (waiting) waiting->set(true);
  }
};

class PipeEnd final : public Connection {
 public:
  PipeEnd(Executor& executor, std::shared_ptr<Channel> in, std::shared_ptr<Channel> out)
      : executor_(executor), in_(std::move(in)), out_(std::move(out)) {}
  ~PipeEnd() override { close(); }

  Task<Result<std::string>> read_some(size_t max_bytes, int64_t) override {
    while (true) {
      std::optional<Future<bool>> wait;
      {
        std::lock_guard lock(in_->mutex);
        if (!in_->bytes.empty()) {
          std::string out = in_->bytes.substr(0, max_bytes);
          in_->bytes.erase(0, out.size());
          co_return out;
        }
        if (in_->closed) co_return Error{"EndOfStream", "the pipe was closed"};
        in_->reader.emplace();
        wait = in_->reader->future();
      }
      co_await *wait;
    }
  }

  Task<Status> write(std::string_view data, int64_t) override {
    std::unique_lock lock(out_->mutex);
    if (out_->closed) co_return Error{"EndOfStream", "the pipe was closed"};
    out_->bytes.append(data);
    out_->wake(std::move(lock));
    co_return ok();
  }

  Task<Status> end_output() override {
    std::unique_lock lock(out_->mutex);
    out_->closed = true;
    out_->wake(std::move(lock));
    co_return ok();
  }

  void close() override {
    for (auto& channel : {in_, out_}) {
      std::unique_lock lock(channel->mutex);
      channel->closed = true;
      channel->wake(std::move(lock));
    }
  }

  Executor& executor() override { return executor_; }
  Endpoint peer() const override { return {"127.0.0.1", 0}; }
  Endpoint local() const override { return {"127.0.0.1", 0}; }
  bool encrypted() const override { return false; }
  Result<uint32_t> peer_uid() const override { return Error{"NotFound", "an in-memory pipe has no uid"}; }

 private:
  Executor& executor_;
  std::shared_ptr<Channel> in_, out_;
};

}  // namespace

std::pair<ConnectionPtr, ConnectionPtr> make_pipe(Executor& executor) {
  auto there = std::make_shared<Channel>();
  auto back = std::make_shared<Channel>();
  return {std::make_shared<PipeEnd>(executor, there, back), std::make_shared<PipeEnd>(executor, back, there)};
}

}  // namespace mekong::os
