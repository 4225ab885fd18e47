#include "metastore/server.h"

#include <gtest/gtest.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TSocket.h>
#include <unistd.h>

#include "base/thread_pool.h"

namespace mekong::metastore {
namespace {

namespace at = apache::thrift;

class AllowAll final : public Authoriser {
 public:
  Decision decide(const AuthorisationRequest&) const override { return {true, ""}; }
};

class NoFolders final : public Folders {
 public:
  Status supports(const std::string&) const override { return ok(); }
  Status remove(const PrincipalPtr&, const std::string&) override { return ok(); }
  Status copy(const PrincipalPtr&, const std::string&, const std::string&) override { return ok(); }
};

struct Client {
  explicit Client(uint16_t port) : socket(std::make_shared<at::transport::TSocket>("127.0.0.1", port)) {
    socket->open();
    auto buffered = std::make_shared<at::transport::TBufferedTransport>(socket);
    stub = std::make_unique<thrift::ThriftHiveMetastoreClient>(
        std::make_shared<at::protocol::TBinaryProtocol>(buffered));
  }
  std::shared_ptr<at::transport::TSocket> socket;
  std::unique_ptr<thrift::ThriftHiveMetastoreClient> stub;
};

class ServerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Metastore> start(CallerOf caller) {
    auto face =
        std::make_unique<Metastore>(MetastoreConfig{.port = 0, .region = Region("us-east-1")}, *network, pool,
                                    catalog, rules, folders, clock, std::move(caller), null_logger());
    auto started = face->start();
    EXPECT_TRUE(started.ok());
    return face;
  }
  std::unique_ptr<meta::Store> store = meta::make_memory_store();
  os::ManualClock clock{1'700'000'000'000};
  os::SeededRandom random{1};
  catalog::Catalog catalog{*store, clock, random};
  AllowAll rules;
  NoFolders folders;
  std::unique_ptr<os::Network> network = os::make_network(1);
  ThreadPool pool{"calls", 2};
};

TEST_F(ServerTest, TheKernelSaysWhoCalls) {
  uint32_t seen = 0;
  auto face = start([&](uint32_t uid) -> Result<PrincipalPtr> {
    seen = uid;
    auto principal = std::make_shared<Principal>();
    principal->account = AccountId("111122223333");
    return PrincipalPtr(principal);
  });
  Client client(face->endpoint().port);
  std::vector<std::string> names;
  client.stub->get_all_databases(names);
  EXPECT_EQ(names, std::vector<std::string>{"default"});
  EXPECT_EQ(seen, getuid());
  client.stub->set_ugi(names, "root", {});
  client.stub->get_all_databases(names);
}

TEST_F(ServerTest, StrangersAreRefusedInEveryCall) {
  auto face = start([](uint32_t) -> Result<PrincipalPtr> { return PrincipalPtr(); });
  Client client(face->endpoint().port);
  std::vector<std::string> names;
  client.stub->set_ugi(names, "root", {});
  try {
    client.stub->get_all_databases(names);
    FAIL() << "answered";
  } catch (const thrift::MetaException& refused) {
    EXPECT_NE(refused.message.find("not authenticated"), std::string::npos) << refused.message;
  }
}

TEST_F(ServerTest, NonsenseEndsTheConnectionAndStopEndsTheRest) {
  auto face = start([](uint32_t) -> Result<PrincipalPtr> { return PrincipalPtr(); });
  Client client(face->endpoint().port), idle(face->endpoint().port);
  const std::string nonsense = "GET / HTTP/1.1\r\n\r\n";
  client.socket->write(reinterpret_cast<const uint8_t*>(nonsense.data()), nonsense.size());
  uint8_t byte = 0;
  EXPECT_EQ(client.socket->read(&byte, 1), 0u);
  face->stop();
  EXPECT_EQ(idle.socket->read(&byte, 1), 0u);
}

}  // namespace
}  // namespace mekong::metastore
