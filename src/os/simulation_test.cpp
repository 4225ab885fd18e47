#include "os/simulation.h"

#include <gtest/gtest.h>

#include <set>

namespace mekong::os {
namespace {

// Echoes what it reads, and ends with the peer.
Task<void> echo(ConnectionPtr connection) {
  while (true) {
    auto read = co_await connection->read_some(4096, 60'000);
    if (!read.ok()) break;
    auto written = co_await connection->write(*read, 60'000);
    if (!written.ok()) break;
  }
  connection->close();
}

Task<void> ask(Network& network, uint16_t port, std::string text, std::string& answer) {
  auto connected = co_await network.connect({"127.0.0.1", port}, 1000);
  if (!connected.ok()) co_return;
  const ConnectionPtr connection = *connected;
  auto written = co_await connection->write(text, 60'000);
  while (written.ok() && answer.size() < text.size()) {
    auto read = co_await connection->read_some(64, 60'000);
    if (!read.ok()) break;
    answer += *read;
  }
  connection->close();
}

struct Outcome {
  uint64_t trace = 0;
  int64_t ended_ns = 0;
  std::vector<std::string> answers;
};

Outcome play(uint64_t seed) {
  Simulation world(seed);
  Outcome out;
  out.answers.resize(5);
  auto listener =
      world.network().listen({}, [](ConnectionPtr connection) { return echo(connection); }).value();
  for (auto& answer : out.answers) {
    spawn(world.executor(), ask(world.network(), listener->endpoint().port, std::string(3000, 'x'), answer));
  }
  world.run();
  out.trace = world.trace();
  out.ended_ns = world.clock().monotonic_ns();
  return out;
}

TEST(Simulation, IsReplayedFromItsSeedAndDiffersByIt) {
  std::set<uint64_t> traces;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Outcome first = play(seed), second = play(seed);
    EXPECT_EQ(first.trace, second.trace);
    EXPECT_EQ(first.ended_ns, second.ended_ns);
    for (const auto& answer : first.answers) EXPECT_EQ(answer, std::string(3000, 'x'));
    traces.insert(first.trace);
  }
  EXPECT_EQ(traces.size(), 20U);
}

Task<void> read_nothing(ConnectionPtr connection, Clock& clock, std::vector<std::string>& codes) {
  const int64_t begin_ns = clock.monotonic_ns();
  auto read = co_await connection->read_some(1, 3'600'000);
  codes.push_back(read.error().code);
  codes.push_back(std::to_string((clock.monotonic_ns() - begin_ns) / 1'000'000'000));
  connection->close();
}

Task<void> write_without_reader(Network& network, uint16_t port, std::vector<std::string>& codes) {
  auto connected = co_await network.connect({"127.0.0.1", port}, 1000);
  const ConnectionPtr connection = *connected;
  auto nobody = co_await network.connect({"127.0.0.1", 1}, 1000);
  codes.push_back(nobody.error().code);
  auto waited = network.sleep(7'200'000);
  co_await waited;
  auto read = co_await connection->read_some(1, 0);
  codes.push_back(read.error().code);
}

TEST(Simulation, HoursOfTimeoutsPassAtOnce) {
  Simulation world(1);
  std::vector<std::string> server, client;
  auto listener = world.network()
                      .listen({},
                              [&](ConnectionPtr connection) {
                                return read_nothing(std::move(connection), world.clock(), server);
                              })
                      .value();
  spawn(world.executor(), write_without_reader(world.network(), listener->endpoint().port, client));
  world.run();
  EXPECT_EQ(server, (std::vector<std::string>{"Timeout", "3600"}));
  EXPECT_EQ(client, (std::vector<std::string>{"ConnectionRefused", "EndOfStream"}));
}

TEST(Simulation, AWriterWaitsForRoomAndTimesOut) {
  Simulation world(2);
  ConnectionPtr kept;
  std::string code;
  auto listener = world.network()
                      .listen({},
                              [&](ConnectionPtr connection) -> Task<void> {
                                kept = connection;
                                co_return;
                              })
                      .value();
  const auto writer = [](Network& network, uint16_t port, std::string& result) -> Task<void> {
    auto connected = co_await network.connect({"127.0.0.1", port}, 1000);
    const std::string much(1 << 20, 'y');
    const ConnectionPtr connection = *connected;
    auto written = co_await connection->write(much, 5000);
    result = written.ok() ? "written" : written.error().code;
  };
  spawn(world.executor(), writer(world.network(), listener->endpoint().port, code));
  world.run();
  EXPECT_EQ(code, "Timeout");
}

}  // namespace
}  // namespace mekong::os
