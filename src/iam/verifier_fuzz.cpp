// Any request against one known key: refused or let in without a crash, and what is let in is refused as soon
// as its method, its path or its headers change. Input: "METHOD PATH?QUERY", a line a header, a blank line,
// the body.
#include <cstdint>

#include "codec/hash.h"
#include "codec/record.h"
#include "codec/text.h"
#include "iam/iam.h"

namespace mekong::iam {
namespace {

struct Request {
  std::string method, path, query, body;
  sigv4::Pairs headers;
};

std::string_view take_line(std::string_view& text, char end) {
  const auto line = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

Request parse(std::string_view text) {
  Request out;
  auto first = take_line(text, '\n');
  out.method = take_line(first, ' ');
  out.path = take_line(first, '?');
  out.query = first;
  while (!text.empty()) {
    auto line = take_line(text, '\n');
    if (line.empty()) break;
    const auto name = take_line(line, ':');
    out.headers.emplace_back(codec::lower_case(name), line);
  }
  out.body = text;
  return out;
}

// Key and time are those of AWS's published SigV4 suite.
class World {
 public:
  World() {
    const Account account{.id = "123456789012", .name = "default"};
    const AccessKey key{
        .id = "AKIDEXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", .account = account.id};
    meta::Batch batch;
    batch.put("iam", "account/" + account.id, codec::encode_record(account));
    batch.put("iam", "key/" + key.id, codec::encode_record(key));
    if (!store_->commit(std::move(batch)).get().ok()) __builtin_trap();
    auto opened = Iam::open(*store_, no_resource_policies, clock_, random_, {});
    if (!opened.ok()) __builtin_trap();
    iam_ = std::move(*opened);
  }
  Result<Authentication> authenticate(const Request& request) const {
    const auto hash = codec::hex_encode(codec::sha256(request.body));
    return iam_->authenticator().authenticate(
        {request.method, request.path, request.query, request.headers, hash}, false);
  }

 private:
  std::unique_ptr<meta::Store> store_ = meta::make_memory_store();
  os::ManualClock clock_{1'440'938'160'000};
  os::SeededRandom random_{7};
  std::unique_ptr<Iam> iam_;
};

void check(const World& world, const Request& request) {
  const auto outcome = world.authenticate(request);
  if (!outcome.ok()) return;
  if (outcome->principal == nullptr || outcome->principal->access_key_id != "AKIDEXAMPLE") __builtin_trap();
  auto method = request, path = request, header = request;
  method.method += "X";
  path.path += "x";
  header.headers.emplace_back("x-amz-not-signed", "1");
  for (const auto& changed : {method, path, header}) {
    if (world.authenticate(changed).ok()) __builtin_trap();
  }
}

}  // namespace
}  // namespace mekong::iam

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace mekong::iam;
  static const World world;
  check(world, parse({reinterpret_cast<const char*>(data), size_bytes}));
  return 0;
}
