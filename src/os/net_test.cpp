#include "os/net.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/thread_pool.h"
#include "os/files.h"
#include "os/test_echo.h"

namespace mekong::os {
namespace {

Task<Result<std::string>> talk(Network& network, Endpoint to, std::string text) {
  auto connected = co_await network.connect(to, 5000);
  if (!connected.ok()) co_return std::move(connected).error();
  ConnectionPtr connection = *connected;
  auto put = co_await connection->write(text, 5000);
  if (!put.ok()) co_return std::move(put).error();
  std::string back;
  while (back.size() < text.size()) {
    auto got = co_await connection->read_some(1024, 5000);
    if (!got.ok()) co_return std::move(got).error();
    back += *got;
  }
  connection->close();
  co_return back;
}

TEST(NetTest, a_client_is_answered) {
  auto network = make_network(2);
  Echo echo;
  auto listener = network->listen({}, echo.accept());
  ASSERT_TRUE(listener.ok());
  const std::string text(100'000, 'x');
  EXPECT_EQ(*sync_wait(talk(*network, (*listener)->endpoint(), text)), text);
  echo.wait(1);
}

Task<Result<std::string>> read_all(Network& network, Endpoint from) {
  auto connected = co_await network.connect(from, 5000);
  if (!connected.ok()) co_return std::move(connected).error();
  ConnectionPtr connection = *connected;
  std::string all;
  while (true) {
    auto got = co_await connection->read_some(100'000, 5000);
    if (!got.ok()) break;
    all += *got;
  }
  co_return all;
}

Task<void> send_held(HeldBytes& held, size_t bytes, ConnectionPtr connection) {
  auto put = co_await connection->write_held(held, bytes, 5000);
  EXPECT_TRUE(put.ok());
  auto last = co_await connection->write("end", 5000);
  EXPECT_TRUE(last.ok());
  connection->close();
}

// Over several pipes and more than a socket takes at once; and as it was when it was held.
TEST(NetTest, what_is_held_of_a_file_is_sent) {
  PosixFiles files;
  const std::string path = "/tmp/mekong_held_" + std::to_string(::getpid());
  std::string text(5'000'000, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * i >> 9);
  auto file = files.open(path, OpenMode::create_new);
  ASSERT_TRUE(file.ok() && (*file)->write(0, text).ok());
  if ((*file)->hold(0, 300'000) == nullptr) {
    ASSERT_TRUE(files.remove(path).ok());
    GTEST_SKIP() << "no file system here whose pages can be held";
  }
  // (Given up before it was sent: of its pipe nothing is left behind.)
  const auto held = (*file)->hold(5001, 4'000'000);
  EXPECT_EQ((*file)->hold(5001, 5'000'000), nullptr);  // there is less
  // A page more would take a pipe of its own.
  const auto fewer = (*file)->hold(5001, 1 << 20);
  ASSERT_TRUE(files.remove(path).ok());
  ASSERT_TRUE(held && fewer);
  EXPECT_EQ(held->bytes(), std::string_view(text).substr(5001, 4'000'000));
  EXPECT_EQ(fewer->bytes(), std::string_view(text).substr(5001, (1 << 20) - 5001 % 4096));
  ASSERT_TRUE((*file)->truncate(0).ok());
  auto network = make_network(2);
  auto listener = network->listen({}, [&](ConnectionPtr one) { return send_held(*held, 3'999'000, one); });
  ASSERT_TRUE(listener.ok());
  const auto got = sync_wait(read_all(*network, (*listener)->endpoint()));
  EXPECT_TRUE(got.ok() && *got == text.substr(5001, 3'999'000) + "end");
}

TEST(NetTest, a_taken_port_is_named) {
  auto network = make_network(1);
  Echo echo;
  auto first = network->listen({}, echo.accept());
  ASSERT_TRUE(first.ok());
  ListenOptions same;
  same.port = (*first)->endpoint().port;
  EXPECT_EQ(network->listen(same, echo.accept()).error().code, "AddressInUse");
}

Task<Result<std::string>> wait_in_vain(Network& network, Endpoint to) {
  auto connected = co_await network.connect(to, 5000);
  if (!connected.ok()) co_return std::move(connected).error();
  ConnectionPtr connection = *connected;
  auto got = co_await connection->read_some(10, 20);
  connection->close();
  co_return got;
}

TEST(NetTest, a_silent_peer_times_out) {
  auto network = make_network(1);
  Echo echo;
  auto listener = network->listen({}, echo.accept());
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ(sync_wait(wait_in_vain(*network, (*listener)->endpoint())).error().code, "Timeout");
  echo.wait(1);
}

Task<void> write_later(Network& network, ConnectionPtr connection, std::string text, int64_t ms) {
  auto slept = network.sleep(ms);
  co_await slept;
  auto written = co_await connection->write(text, 5000);
  EXPECT_TRUE(written.ok());
}

Task<std::string> wait_long_and_short(Network& network, Endpoint to) {
  auto connected = co_await network.connect(to, 5000);
  if (!connected.ok()) co_return "not connected";
  ConnectionPtr connection = *connected;
  std::string seen;
  const auto note = [&seen](const Result<std::string>& got) {
    seen += (got.ok() ? *got : got.error().code) + " ";
  };
  auto first = co_await connection->write("a", 5000);
  note(co_await connection->read_some(1, 600'000));  // its timer still runs
  note(co_await connection->read_some(1, 20));
  auto second = co_await connection->write("b", 5000);
  note(co_await connection->read_some(1, 100));  // and this one goes off in the middle of the next wait
  spawn(network.executor(), write_later(network, connection, "c", 250));
  note(co_await connection->read_some(1, 20'000));
  note(co_await connection->read_some(1, 20));
  connection->close();
  co_return first.ok() && second.ok() ? seen : "not written";
}

TEST(NetTest, a_timer_left_running_ends_no_later_wait_and_holds_up_none) {
  auto network = make_network(1);
  Echo echo;
  auto listener = network->listen({}, echo.accept());
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ(sync_wait(wait_long_and_short(*network, (*listener)->endpoint())), "a Timeout b c Timeout ");
  echo.wait(1);
}

TEST(NetTest, the_kernel_tells_the_uid_of_a_loopback_peer) {
  auto network = make_network(1);
  Promise<uint32_t> uid;
  auto ask = [uid](ConnectionPtr connection) -> Task<void> {
    auto found = connection->peer_uid();
    uid.set(found.ok() ? *found : 0xFFFFFFFF);
    co_return;
  };
  auto listener = network->listen({}, ask);
  ASSERT_TRUE(listener.ok());
  auto ignored = sync_wait(wait_in_vain(*network, (*listener)->endpoint()));
  EXPECT_FALSE(ignored.ok());
  EXPECT_EQ(uid.future().get(), ::getuid());
}

Task<Result<std::string>> half_close(Network& network, Endpoint to) {
  auto connected = co_await network.connect(to, 5000);
  if (!connected.ok()) co_return std::move(connected).error();
  ConnectionPtr connection = *connected;
  auto put = co_await connection->write("last words", 5000);
  auto ended = co_await connection->end_output();
  if (!put.ok() || !ended.ok()) co_return Error{"NotSent", ""};
  std::string back;
  while (true) {
    auto got = co_await connection->read_some(1024, 5000);
    if (!got.ok()) co_return got.error().code == "EndOfStream" ? Result<std::string>(back) : std::move(got);
    back += *got;
  }
}

TEST(NetTest, after_a_half_close_the_answer_still_arrives) {
  auto network = make_network(1);
  Echo echo;
  auto listener = network->listen({}, echo.accept());
  ASSERT_TRUE(listener.ok());
  auto back = sync_wait(half_close(*network, (*listener)->endpoint()));
  ASSERT_TRUE(back.ok()) << back.error().code;
  EXPECT_EQ(*back, "last words");
  echo.wait(1);
}

Task<std::string> write_until_stuck(Network& network, Endpoint to) {
  auto connected = co_await network.connect(to, 5000);
  if (!connected.ok()) co_return "no connection";
  const std::string much(64 << 20, 'x');
  auto put = co_await (*connected)->write(much, 200);
  co_return put.ok() ? "all written" : put.error().code;
}

TEST(NetTest, a_peer_that_does_not_read_times_out) {
  auto network = make_network(1);
  Promise<bool> done, ended;
  auto idle = [done, ended](ConnectionPtr connection) -> Task<void> {
    auto future = done.future();
    co_await future;
    ended.set(true);
  };
  auto listener = network->listen({}, idle);
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ(sync_wait(write_until_stuck(*network, (*listener)->endpoint())), "Timeout");
  done.set(true);
  ended.future().get();
}

TEST(NetTest, a_pending_read_ends_with_its_connection) {
  auto network = make_network(1);
  Echo echo;
  auto listener = network->listen({}, echo.accept());
  ASSERT_TRUE(listener.ok());
  auto code = sync_wait([](Network& net, Endpoint to) -> Task<std::string> {
    auto connected = co_await net.connect(to, 5000);
    if (!connected.ok()) co_return "no connection";
    ConnectionPtr connection = *connected;
    net.sleep(20).then([connection] { connection->close(); });
    auto got = co_await connection->read_some(10, 0);
    co_return got.ok() ? "data" : got.error().code;
  }(*network, (*listener)->endpoint()));
  EXPECT_EQ(code, "EndOfStream");
  echo.wait(1);
}

TEST(NetTest, sleeps_wake) {
  auto network = make_network(1);
  EXPECT_TRUE(network->sleep(1).get());
}

Task<std::string> through_pipe(ThreadPool& pool) {
  auto ends = make_pipe(pool);
  spawn(pool, Echo().accept()(ends.second));
  auto put = co_await ends.first->write("ping", 0);
  EXPECT_TRUE(put.ok());
  auto got = co_await ends.first->read_some(10, 0);
  ends.first->close();
  co_return got.ok() ? *got : got.error().code;
}

TEST(PipeTest, carries_bytes_both_ways) {
  ThreadPool pool("pipe", 1);
  EXPECT_EQ(sync_wait(through_pipe(pool)), "ping");
}

}  // namespace
}  // namespace mekong::os
