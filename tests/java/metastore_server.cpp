// A metastore on an in-memory catalogue, with its tables' data in a local folder: what metastore_sql.py
// drives Spark against. Everybody is root of one account, or nobody is anybody: metastore_server
// WAREHOUSE-FOLDER [--refuse] Prints "ready PORT" and serves until its standard input ends.
#include <filesystem>
#include <iostream>
#include <string>

#include "base/thread_pool.h"
#include "metastore/server.h"
#include "os/clock.h"
#include "os/random.h"

namespace {
using namespace mekong;
namespace fs = std::filesystem;

class LocalFolders final : public metastore::Folders {
 public:
  Status supports(const std::string& location) const override {
    if (location.starts_with("file:")) return ok();
    return Error{"NotImplemented", "no data at " + location};
  }
  Status remove(const PrincipalPtr&, const std::string& location) override {
    std::error_code error;
    fs::remove_all(path(location), error);
    return error ? Status(Error{"StorageFailed", error.message()}) : ok();
  }
  Status copy(const PrincipalPtr&, const std::string& from, const std::string& to) override {
    std::error_code error;
    if (!fs::exists(path(from))) return ok();
    fs::create_directories(path(to).parent_path(), error);
    fs::copy(path(from), path(to), fs::copy_options::recursive, error);
    return error ? Status(Error{"StorageFailed", error.message()}) : ok();
  }

 private:
  static fs::path path(std::string location) {
    location.erase(0, std::string("file:").size());
    while (location.ends_with('/')) location.pop_back();
    return location;
  }
};

class AllowAll final : public Authoriser {
 public:
  Decision decide(const AuthorisationRequest& request) const override {
    const bool secret = std::string(request.resource).find("/secret") != std::string::npos;
    return {!secret, secret ? "because no identity-based policy allows it" : ""};
  }
};

class Lines final : public Logger {
 public:
  void write(Level, std::string_view module, std::string_view event,
             std::initializer_list<LogField> fields) override {
    std::cerr << module << ": " << event;
    for (const auto& field : fields) std::cerr << ' ' << field.key << '=' << field.value;
    std::cerr << '\n';
  }
};

int serve(const std::string& warehouse, bool refuse) {
  auto store = meta::make_memory_store();
  os::SystemClock clock;
  os::SystemRandom random;
  catalog::Catalog catalog(*store, clock, random);
  AllowAll authoriser;
  LocalFolders folders;
  Lines logger;
  ThreadPool pool("calls", 4);
  auto network = os::make_network(1);
  auto root = std::make_shared<Principal>();
  root->kind = PrincipalKind::root;
  root->account = AccountId("111122223333");
  root->arn = "arn:aws:iam::111122223333:root";
  metastore::MetastoreConfig config;
  config.port = 0;
  config.region = Region("us-east-1");
  config.warehouse = "file:" + warehouse;
  auto caller = [&](uint32_t uid) -> Result<PrincipalPtr> {
    if (refuse) return Error{"AccessDenied", "uid " + std::to_string(uid) + " runs no job"};
    return PrincipalPtr(root);
  };
  metastore::Metastore face(config, *network, pool, catalog, authoriser, folders, clock, caller, logger);
  if (auto started = face.start(); !started.ok()) {
    std::cerr << started.error().message << '\n';
    return 2;
  }
  std::cout << "ready " << face.endpoint().port << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  face.stop();
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return serve(argv[1], argc > 2 && std::string(argv[2]) == "--refuse");
}
