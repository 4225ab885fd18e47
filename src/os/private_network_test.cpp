#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "os/files.h"
#include "os/net.h"
#include "os/process.h"

namespace mekong::os {
namespace {

// Says who connects.
Network::Accept tell() {
  return [](ConnectionPtr connection) -> Task<void> {
    const auto uid = connection->peer_uid();
    const std::string word = uid.ok() ? std::to_string(*uid) : uid.error().code;
    auto written = co_await connection->write(word + " " + connection->peer().host + "\n", 5000);
    EXPECT_TRUE(written.ok());
  };
}

constexpr uint32_t owner = 4'000'000'000;

class PrivateNetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = *network_->listen({}, tell());
    auto made = network_->make_private({.uid = owner, .addresses = {"198.51.100.7", "2001:db8::7"}});
    if (!made.ok() && made.error().code == "EPERM") GTEST_SKIP() << "needs root";
    ASSERT_TRUE(made.ok()) << made.error().message;
    inside_ = *made;
    char name[] = "/tmp/mekong_network_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override {
    if (!folder_.empty()) EXPECT_TRUE(files_.remove_tree(folder_).ok());
  }
  // What a program says that runs in the private network; in ours without.
  std::string say(const std::string& script, bool inside = true) {
    const std::string head = R"(
import os, socket, sys
def ask(*where):
    try:
        with socket.create_connection(where, timeout=5) as s: return s.makefile().readline().strip()
    except OSError as error: return type(error).__name__ + ' ' + (error.strerror or str(error))
)";
    ProcessSpec spec;
    spec.argv = {"/usr/bin/python3", "-c", head + script};
    spec.stdout_path = spec.stderr_path = folder_ + "/out" + std::to_string(++asked_);
    if (inside) spec.network = inside_->descriptor();
    auto process = processes_->spawn(spec);
    if (!process.ok()) return process.error().message;
    auto ended = (*process)->exited();
    ended.get();
    return *files_.read_file(spec.stdout_path);
  }
  std::string ask(const std::string& host, const Listener& listener) {
    return say("print(ask('" + host + "', " + std::to_string(listener.endpoint().port) + "))");
  }

  PosixFiles files_;
  std::unique_ptr<Processes> processes_ = make_processes();
  std::unique_ptr<Network> network_ = make_network(2);
  std::unique_ptr<Listener> listener_;
  std::shared_ptr<PrivateNetwork> inside_;
  std::string folder_;
  int asked_ = 0;
};

TEST_F(PrivateNetworkTest, its_loopback_leads_to_our_ports_and_the_caller_is_known) {
  EXPECT_EQ(ask("127.0.0.1", *listener_), "4000000000 127.0.0.1\n");
  EXPECT_EQ(ask("localhost", *listener_), "4000000000 127.0.0.1\n");
  EXPECT_EQ(ask("198.51.100.7", *listener_).substr(0, 10), "4000000000");
  EXPECT_EQ(ask("2001:db8::7", *listener_).substr(0, 10), "4000000000");
  auto later = network_->listen({}, tell());
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(ask("127.0.0.1", **later), "4000000000 127.0.0.1\n");
  const auto gone = (*later)->endpoint().port;
  later->reset();
  EXPECT_EQ(say("print(ask('127.0.0.1', " + std::to_string(gone) + "))"),
            "ConnectionRefusedError Connection refused\n");
}

TEST_F(PrivateNetworkTest, nothing_else_is_reached) {
  EXPECT_EQ(say("print(ask('192.0.2.1', 80))"), "OSError Network is unreachable\n");
  EXPECT_EQ(say("print([name for _, name in socket.if_nameindex()])"), "['lo']\n");
  // Somebody else's port and abstract socket in the machine's network: what listens there is found outside
  // only.
  auto machine = make_network(1);
  auto theirs = machine->listen({}, tell());
  ASSERT_TRUE(theirs.ok());
  EXPECT_EQ(ask("127.0.0.1", **theirs), "ConnectionRefusedError Connection refused\n");
  const std::string name = "mekong-test-" + std::to_string(::getpid());
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  name.copy(address.sun_path + 1, name.size());
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(server, 5), 0);
  const std::string connects = "s = socket.socket(socket.AF_UNIX); print(s.connect_ex('\\0" + name + "'))";
  EXPECT_EQ(say(connects, false), "0\n");
  EXPECT_EQ(say(connects), std::to_string(ECONNREFUSED) + "\n");
  ::close(server);
}

Task<Result<std::string>> read_line(Network& network, std::shared_ptr<PrivateNetwork> inside, uint16_t port) {
  auto connected = co_await network.connect_inside(inside, {.host = "127.0.0.1", .port = port}, 5000);
  if (!connected.ok()) co_return std::move(connected).error();
  ConnectionPtr connection = *connected;
  auto got = co_await connection->read_some(100, 5000);
  connection->close();
  co_return got;
}

TEST_F(PrivateNetworkTest, we_reach_what_listens_in_it_and_others_do_not) {
  const std::string script = R"(
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
server.accept()[0].send(b'hello')
)";
  ProcessSpec spec;
  spec.argv = {"/usr/bin/python3", "-c", "import socket" + script};
  spec.stdout_path = folder_ + "/port";
  spec.network = inside_->descriptor();
  auto process = processes_->spawn(spec);
  ASSERT_TRUE(process.ok());
  std::string port;
  while (port.empty() || port.back() != '\n') {
    const auto text = files_.read_file(spec.stdout_path);
    if (text.ok()) port = *text;
    ::usleep(1000);
  }
  port.pop_back();
  EXPECT_EQ(say("print(ask('127.0.0.1', " + port + "))", false),
            "ConnectionRefusedError Connection refused\n");
  const auto number = static_cast<uint16_t>(std::stoi(port));
  EXPECT_EQ(*sync_wait(read_line(*network_, inside_, number)), "hello");
  auto ended = (*process)->exited();
  ended.get();
  EXPECT_EQ(sync_wait(read_line(*network_, inside_, number)).error().code, "ConnectionFailed");
}

TEST_F(PrivateNetworkTest, it_may_hold_only_so_many_connections) {
  auto few = network_->make_private({.uid = owner, .connections_max = 3});
  ASSERT_TRUE(few.ok());
  inside_ = *few;
  auto held = network_->listen({}, [](ConnectionPtr connection) -> Task<void> {
    auto written = co_await connection->write("x", 5000);
    EXPECT_TRUE(written.ok());
    auto end = co_await connection->read_some(1, 0);
    EXPECT_FALSE(end.ok());
  });
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(say("all = [socket.create_connection(('127.0.0.1', " + std::to_string((*held)->endpoint().port) +
                ")) for _ in range(5)]\n"
                "print([s.recv(1) for s in all])"),
            "[b'x', b'x', b'x', b'', b'']\n");
}

TEST_F(PrivateNetworkTest, what_is_made_is_given_back) {
  const auto open = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(network_->make_private({.uid = owner}).ok());
  for (int i = 0; i < 500 && open() > before + 6; ++i) ::usleep(1000);  // loops close what is theirs
  // Event loops make a few for themselves when they are first used; each network has three.
  EXPECT_LE(open(), before + 6);
}

}  // namespace
}  // namespace mekong::os
