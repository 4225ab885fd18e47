// What a connection does with requests that come while others wait for the disk.
#include "kafka/connection.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "gen/kafka_protocol/sasl_authenticate.h"
#include "gen/kafka_protocol/sasl_handshake.h"
#include "kafka/test_support.h"
#include "log/batch_builder.h"
#include "log/memory_log.h"

namespace mekong::kafka {
namespace {

class AnyLogin final : public iam::KafkaLogin {
 public:
  Result<Session> aws_msk_iam(std::string_view, const std::vector<std::string>&) const override {
    return Session{std::make_shared<Principal>(), Region("us-east-1"), INT64_MAX};
  }
  Result<Session> oauthbearer(std::string_view token) const override { return aws_msk_iam(token, {}); }
};

// Takes appends at once and acknowledges them when told.
class SlowLog final : public log::MemoryLog {
 public:
  using Appended = Result<log::AppendResult>;
  Future<Appended> append(const log::PartitionId& id, std::string batches) override {
    const Appended result = MemoryLog::append(id, std::move(batches)).get();
    std::lock_guard lock(mutex_);
    waiting_.emplace_back(Promise<Appended>(), result);
    came_.notify_all();
    return waiting_.back().first.future();
  }
  bool came(size_t appends) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_.size() >= appends; });
  }
  size_t count() {
    std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  void acknowledge(size_t which) {
    std::unique_lock lock(mutex_);
    auto [promise, result] = waiting_.at(which);
    lock.unlock();
    promise.set(result);
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::pair<Promise<Appended>, Appended>> waiting_;
};

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    BrokerDeps deps{*network_, pool_, clock_, random_, *meta_, log_, allow_, login_, null_logger(), {}};
    cluster_ = std::make_shared<Cluster>(
        deps, ClusterSpec{.name = "demo", .uuid = "1-s1", .region = Region("us-east-1")});
    EXPECT_TRUE(cluster_->topics.create("t", 1, {}, false).ok());
    auto [ours, theirs] = os::make_pipe(network_->executor());
    client_ = ours;
    spawn(network_->executor(), serve(theirs));
    send(proto::SaslHandshakeRequest{.mechanism = "AWS_MSK_IAM"}, 1);
    EXPECT_EQ(receive(), 1);
    send(proto::SaslAuthenticateRequest{.auth_bytes = "x"}, 1);
    EXPECT_EQ(receive(), 2);
  }
  ~ConnectionTest() override {
    client_->close();
    for (size_t i = 0; i < log_.count(); ++i) log_.acknowledge(i);
    ended_.future().get();
  }

  Task<void> serve(os::ConnectionPtr connection) {
    co_await serve_connection(*cluster_, connection);
    connection->close();
    ended_.set(true);
  }
  template <class Request>
  std::string frame(const Request& request, int16_t version) {
    codec::KafkaWriter w;
    w.i16(Request::api_key);
    w.i16(version);
    w.i32(++sent_);
    w.null_string(false);
    request.encode(w, version);
    codec::KafkaWriter length;
    length.i32(static_cast<int32_t>(w.size()));
    return length.take() + w.take();
  }
  template <class Request>
  void send(const Request& request, int16_t version) {
    EXPECT_TRUE(sync_wait(client_->write(frame(request, version), 20'000)).ok());
  }
  proto::ProduceRequest record(const std::string& topic = "t", int16_t acks = -1) {
    proto::ProduceRequest request{.acks = acks, .timeout_ms = 1000};
    request.transactional_id.reset();
    request.topic_data = {{topic, {{0, log::build_batch({{std::nullopt, "value", clock_.wall_ms()}})}}}};
    return request;
  }
  void send_record() { send(record(), 7); }
  // The correlation id of the next reply; 0: the connection has ended. What follows it is in reply_.
  int32_t receive() {
    while (true) {
      codec::KafkaReader r(read_, 0);
      const size_t bytes = read_.size() < 8 ? SIZE_MAX : static_cast<size_t>(r.i32()) + 4;
      if (bytes <= read_.size()) {
        const int32_t id = r.i32();
        reply_ = read_.substr(8, bytes - 8);
        read_.erase(0, bytes);
        return id;
      }
      auto more = sync_wait(client_->read_some(1 << 20, 20'000));
      if (!more.ok()) return 0;
      read_ += *more;
    }
  }

  std::unique_ptr<meta::Store> meta_ = meta::make_memory_store();
  SlowLog log_;
  os::ManualClock clock_{1'700'000'000'000};
  os::SeededRandom random_{1};
  std::unique_ptr<os::Network> network_ = os::make_network(1);
  ThreadPool pool_{"handlers", 2};
  AnyLogin login_;
  AllowAll allow_;
  std::shared_ptr<Cluster> cluster_;
  os::ConnectionPtr client_;
  Promise<bool> ended_;
  int32_t sent_ = 0;
  std::string read_, reply_;
};

TEST_F(ConnectionTest, produces_go_to_the_log_together_and_are_answered_in_order) {
  for (int i = 0; i < 3; ++i) send_record();
  ASSERT_TRUE(log_.came(3));
  log_.acknowledge(2);
  log_.acknowledge(1);
  log_.acknowledge(0);
  for (int32_t id = 3; id <= 5; ++id) EXPECT_EQ(receive(), id);
  auto topic = cluster_->topics.find("t");
  EXPECT_EQ(log_.offsets(topic->partition(0))->high_watermark, 3);
}

TEST_F(ConnectionTest, another_request_waits_for_the_produces_before_it) {
  send_record();
  ASSERT_TRUE(log_.came(1));
  send(proto::FindCoordinatorRequest{.key = "g"}, 1);
  send_record();
  log_.acknowledge(0);
  EXPECT_EQ(receive(), 3);
  EXPECT_EQ(receive(), 4);
  ASSERT_TRUE(log_.came(2));
  log_.acknowledge(1);
  EXPECT_EQ(receive(), 5);
}

TEST_F(ConnectionTest, a_failure_that_nobody_is_told_of_ends_the_connection) {
  send(record("t", 0), 7);
  ASSERT_TRUE(log_.came(1));
  log_.acknowledge(0);
  send_record();
  ASSERT_TRUE(log_.came(2));
  log_.acknowledge(1);
  EXPECT_EQ(receive(), 4);
  const std::string failing = frame(record("unknown", 0), 7);
  const std::string next = frame(proto::FindCoordinatorRequest{.key = "g"}, 1);
  EXPECT_TRUE(sync_wait(client_->write(failing + next, 20'000)).ok());
  EXPECT_EQ(receive(), 0);
}

TEST_F(ConnectionTest, large_and_small_batches_come_as_they_are_stored) {
  EXPECT_TRUE(cluster_->topics.grow("t", 3, false).ok());
  const auto topic = cluster_->topics.find("t");
  proto::FetchRequest request{.max_wait_ms = 0, .max_bytes = 10 << 20};
  request.topics = {{.topic = "t"}};
  std::vector<std::string> stored;
  for (int32_t i = 0; i < 3; ++i) {
    const std::string value(i == 1 ? 10 : 200'000, static_cast<char>('a' + i));
    stored.push_back(log::build_batch({{std::nullopt, value, clock_.wall_ms()}}));
    auto appended = log_.append(topic->partition(i), stored.back());
    request.topics[0].partitions.push_back({.partition = i, .partition_max_bytes = 1 << 20});
  }
  send(request, 11);
  EXPECT_EQ(receive(), 3);
  proto::FetchResponse response;
  codec::KafkaReader reader(reply_, 10 << 20);
  response.decode(reader, 11);
  ASSERT_FALSE(reader.failed());
  EXPECT_EQ(reader.remaining(), 0u);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(std::string_view(*response.responses.at(0).partitions.at(i).records), stored[i]) << i;
}

TEST_F(ConnectionTest, so_many_wait_and_no_more) {
  for (int i = 0; i < 12; ++i) send_record();
  ASSERT_TRUE(log_.came(8));
  EXPECT_EQ(log_.count(), 8u);
  for (size_t i = 0; i < 12; ++i) {
    ASSERT_TRUE(log_.came(i + 1));
    log_.acknowledge(i);
    EXPECT_EQ(receive(), 3 + static_cast<int32_t>(i));
  }
}

TEST_F(ConnectionTest, a_malformed_one_ends_the_connection_after_those_before_it_are_answered) {
  send_record();
  ASSERT_TRUE(log_.came(1));
  const std::string bad("\0\0\0\x0c\0\0\0\7\0\0\0\4\xff\xff\xff\xff", 16);
  EXPECT_TRUE(sync_wait(client_->write(bad, 20'000)).ok());
  log_.acknowledge(0);
  EXPECT_EQ(receive(), 3);
  EXPECT_EQ(receive(), 0);
}

}  // namespace
}  // namespace mekong::kafka
