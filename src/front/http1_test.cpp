// Bodies that are read ahead of their handler, in simulated worlds: a read that nobody awaits any more must
// neither meet another one nor hold the connection.
#include "front/http1.h"

#include <gtest/gtest.h>

#include "front/simulated_world.h"
#include "gen/s3/twin.h"

namespace mekong::front {
namespace {

// PutObject as each test has it.
class Handler final : public gen::s3::Twin {
 public:
  std::function<Task<Status>(api::BodyReader&)> put;
  Task<Result<gen::s3::PutObjectOutput>> put_object(api::Context&, const gen::s3::PutObjectRequest&,
                                                    api::BodyReader& body) override {
    auto task = put(body);
    auto done = co_await task;
    if (!done.ok()) co_return std::move(done).error();
    co_return gen::s3::PutObjectOutput{};
  }
};

struct Reads {
  int now = 0, most = 0;  // at once
  size_t bytes = 0;
  std::optional<int64_t> closed_ms;  // when the server let the connection go
};

// Sees that the rule of os::Connection is kept: one reads at a time.
class Watched final : public os::Connection {
 public:
  Watched(os::ConnectionPtr inner, Reads& reads, const os::Clock& clock)
      : inner_(std::move(inner)), reads_(reads), clock_(clock) {}
  ~Watched() override { note_close(); }
  Task<Result<std::string>> read_some(size_t max_bytes, int64_t timeout_ms) override {
    reads_.most = std::max(reads_.most, ++reads_.now);
    auto task = inner_->read_some(max_bytes, timeout_ms);
    auto read = co_await task;
    --reads_.now;
    if (read.ok()) reads_.bytes += read->size();
    co_return read;
  }
  Task<Status> write(std::string_view data, int64_t timeout_ms) override {
    return inner_->write(data, timeout_ms);
  }
  Task<Status> end_output() override { return inner_->end_output(); }
  void close() override {
    note_close();
    inner_->close();
  }
  Executor& executor() override { return inner_->executor(); }
  os::Endpoint peer() const override { return inner_->peer(); }
  os::Endpoint local() const override { return inner_->local(); }
  bool encrypted() const override { return false; }
  Result<uint32_t> peer_uid() const override { return inner_->peer_uid(); }

 private:
  void note_close() {
    if (!reads_.closed_ms) reads_.closed_ms = clock_.monotonic_ns() / 1'000'000;
  }
  const os::ConnectionPtr inner_;
  Reads& reads_;
  const os::Clock& clock_;
};

// Outlives the connections, which note there when they go.
struct Noted {
  Reads reads;
};

struct World : Noted, SimulatedWorld<Handler> {
  explicit World(uint64_t seed) : SimulatedWorld(seed) {
    auto listening = simulation.network().listen({}, [this](os::ConnectionPtr connection) {
      return server.serve(std::make_shared<Watched>(std::move(connection), reads, simulation.clock()));
    });
    EXPECT_TRUE(listening.ok());
    listener = std::move(*listening);
  }
  int64_t now_ms() { return simulation.clock().monotonic_ns() / 1'000'000; }

  std::unique_ptr<os::Listener> listener;
};

std::string put(size_t length, const std::string& headers = s3_authorization) {
  return "PUT /b/key HTTP/1.1\r\nHost: localhost\r\n" + headers +
         "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

struct Part {
  std::string bytes;
  int64_t then_ms = 0;  // of silence
  bool last = false;    // and gone
};

struct Outcome {
  std::string reply;
  int64_t ended_ms = 0;  // when the connection was seen to be closed, or had nothing more to say
};

Task<void> send(World& world, os::ConnectionPtr connection, std::vector<Part> parts) {
  for (const auto& part : parts) {
    auto written = co_await connection->write(part.bytes, 600'000);
    if (!written.ok()) co_return;
    auto slept = world.simulation.network().sleep(part.then_ms);
    co_await slept;
    if (part.last) connection->close();
  }
}

// `stays_ms`: for how long it keeps its side open after the server has ended its own.
Task<void> talk(World& world, std::vector<Part> parts, int64_t stays_ms, Outcome& out) {
  auto connected = co_await world.simulation.network().connect(world.listener->endpoint(), 1000);
  if (!connected.ok()) co_return;
  const os::ConnectionPtr connection = *connected;
  spawn(world.simulation.executor(), send(world, connection, std::move(parts)));
  while (true) {
    auto piece = co_await connection->read_some(4096, 3'600'000);
    if (!piece.ok()) break;
    out.reply += *piece;
  }
  out.ended_ms = world.now_ms();
  auto slept = world.simulation.network().sleep(stays_ms);
  co_await slept;
  connection->close();
}

Outcome play(World& world, std::vector<Part> parts, int64_t stays_ms = 0) {
  Outcome out;
  spawn(world.simulation.executor(), talk(world, std::move(parts), stays_ms, out));
  world.simulation.run();
  EXPECT_EQ(world.reads.now, 0) << "a read was left behind";
  EXPECT_LE(world.reads.most, 1) << "two read at once";
  return out;
}

Task<Status> read_to_the_end(api::BodyReader& body) {
  while (true) {
    auto piece = co_await body.read();
    if (!piece.ok()) co_return std::move(piece).error();
    if (piece->empty()) co_return ok();
  }
}

Task<Status> read_one(api::BodyReader& body) {
  auto piece = co_await body.read();
  if (!piece.ok()) co_return std::move(piece).error();
  co_return ok();
}

size_t count(std::string_view text, std::string_view word) {
  size_t times = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
  return times;
}

constexpr size_t seeds = 25;

// One piece, no more, and only of a caller who is known.
TEST(BodyReadAhead, IsOnePieceOfAKnownCaller) {
  for (const bool known : {true, false}) {
    World world(1);
    if (!known) world.authenticator.principal = std::make_shared<const Principal>();
    size_t ahead = 0;
    world.s3.put = [&](api::BodyReader& body) -> Task<Status> {
      auto first = co_await body.read();
      const size_t before = world.reads.bytes;
      auto slept = world.simulation.network().sleep(5'000);
      co_await slept;
      ahead = world.reads.bytes - before;
      auto rest = read_to_the_end(body);
      co_return co_await rest;
    };
    const auto out = play(world, {{put(3 << 20) + std::string(3 << 20, 'x')}});
    if (known) {
      EXPECT_TRUE(out.reply.starts_with("HTTP/1.1 200 ")) << out.reply;
      EXPECT_GT(ahead, 0U);
      EXPECT_LE(ahead, 1U << 20);
    } else {
      EXPECT_EQ(ahead, 0U);
    }
  }
}

TEST(BodyReadAhead, LeavesTheNextRequestWhereItIs) {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    World world(seed);
    world.s3.put = read_to_the_end;
    const std::string body(100'000, 'x');
    const auto out = play(world, {{put(body.size()) + body + put(body.size()) + body +
                                   put(3, std::string(s3_authorization) + "Connection: close\r\n") + "abc"}});
    ASSERT_EQ(count(out.reply, "HTTP/1.1 200 OK"), 3U) << "seed " << seed << out.reply;
  }
}

// The rest is small: it is read, and the connection goes on.
TEST(BodyReadAhead, IsDrainedAfterAHandlerThatEndsEarly) {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    World world(seed);
    world.s3.put = read_one;
    const std::string body(100'000, 'x');
    const auto out = play(world, {{put(body.size()) + body.substr(0, 50'000), 3'000},
                                  {body.substr(50'000) +
                                   put(3, std::string(s3_authorization) + "Connection: close\r\n") + "abc"}});
    // The first is said to be incomplete by the check of its length, or was fine: it was answered either way.
    ASSERT_EQ(count(out.reply, "HTTP/1.1 "), 2U) << "seed " << seed << out.reply;
  }
}

// The rest is large and does not come: the reply does, and the connection ends soon after it.
TEST(BodyReadAhead, DoesNotHoldTheConnectionOfAHandlerThatEndsEarly) {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    World world(seed);
    world.s3.put = read_one;
    const auto out = play(world, {{put(8 << 20) + std::string(10'000, 'x'), 100'000}}, 100'000);
    ASSERT_EQ(count(out.reply, "HTTP/1.1 "), 1U) << "seed " << seed << out.reply;
    ASSERT_NE(out.reply.find("Connection: close"), std::string::npos) << out.reply;
    ASSERT_TRUE(world.reads.closed_ms.has_value()) << "seed " << seed;
    ASSERT_LT(*world.reads.closed_ms, 4 * ReadAhead::linger_ms) << "seed " << seed;
  }
}

// Most clients look for the reply after their last byte: closed before it, the connection would take the
// reply with it.
TEST(BodyReadAhead, IsDroppedToItsEndAfterAnEarlyReply) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    for (const bool known : {true, false}) {
      World world(seed);
      if (!known) world.authenticator.principal = std::make_shared<const Principal>();
      world.s3.put = read_one;
      const auto out = play(world, {{put(8 << 20) + std::string(8 << 20, 'x')}}, 100'000);
      ASSERT_EQ(count(out.reply, "HTTP/1.1 "), 1U) << "seed " << seed << out.reply;
      ASSERT_GT(world.reads.bytes, 8U << 20) << "seed " << seed;
    }
  }
}

// But not for ever: neither in bytes nor in time.
TEST(BodyReadAhead, IsDroppedForAWhileOnly) {
  World fast(1), slow(2);
  fast.s3.put = slow.s3.put = read_one;
  const auto much = play(fast, {{put(1 << 30) + std::string(80 << 20, 'x')}}, 100'000);
  EXPECT_EQ(count(much.reply, "HTTP/1.1 "), 1U) << much.reply;
  EXPECT_LT(fast.reads.bytes, 66U << 20);
  std::vector<Part> drops(100, Part{.bytes = "x", .then_ms = ReadAhead::linger_ms / 2});
  drops.front().bytes = put(1 << 30) + "x";
  const auto little = play(slow, std::move(drops), 100'000);
  EXPECT_EQ(count(little.reply, "HTTP/1.1 "), 1U) << little.reply;
  EXPECT_GT(slow.reads.bytes, 10U);
  ASSERT_TRUE(slow.reads.closed_ms.has_value());
  EXPECT_LE(*slow.reads.closed_ms, ReadAhead::linger_all_ms + 3 * ReadAhead::linger_ms);
}

// A client may wait for its handler as long as that takes: silence counts while somebody waits for the
// client.
TEST(BodyReadAhead, DoesNotCountTheTimeOfTheHandler) {
  World world(1);
  world.s3.put = [&](api::BodyReader& body) -> Task<Status> {
    auto first = co_await body.read();
    auto slept = world.simulation.network().sleep(200'000);
    co_await slept;
    auto rest = read_to_the_end(body);
    co_return co_await rest;
  };
  const std::string head = put(100'000, std::string(s3_authorization) + "Connection: close\r\n");
  const auto out = play(world, {{head + std::string(50'000, 'x'), 210'000}, {std::string(50'000, 'x')}});
  EXPECT_TRUE(out.reply.starts_with("HTTP/1.1 200 ")) << out.reply;
}

TEST(BodyReadAhead, TimesOutForWhoWaits) {
  World world(1);
  world.s3.put = read_to_the_end;
  const auto out = play(world, {{put(100'000) + std::string(50'000, 'x'), 300'000}});
  EXPECT_NE(out.reply.find("RequestTimeout"), std::string::npos) << out.reply;
  EXPECT_GE(out.ended_ms, 30'000);
  EXPECT_LT(out.ended_ms, 35'000);
}

// The client goes while a read runs that nobody awaits yet.
TEST(BodyReadAhead, EndsWithTheConnection) {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    World world(seed);
    std::string code;
    world.s3.put = [&](api::BodyReader& body) -> Task<Status> {
      auto first = co_await body.read();
      auto slept = world.simulation.network().sleep(100'000);
      co_await slept;
      auto rest = read_to_the_end(body);
      auto read = co_await rest;
      code = read.ok() ? "" : read.error().code;
      co_return read;
    };
    const auto out = play(world, {{put(8 << 20) + std::string(10'000, 'x'), 2'500, true}});
    ASSERT_EQ(code, "IncompleteBody") << "seed " << seed;
    ASSERT_EQ(out.reply, "");
  }
}

}  // namespace
}  // namespace mekong::front
