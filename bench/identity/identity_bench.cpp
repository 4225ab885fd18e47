// What identity costs a request: the check of a signature whose key is known, and the decision under 20
// policies of 10 statements. One thread; times by call, so that the tail is seen; heap allocations by call.
// Usage: mekong_bench_identity FOLDER (nothing is written there).
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "codec/hash.h"
#include "codec/text.h"
#include "iam/iam.h"

namespace {
std::atomic<long> allocations = 0;
}

void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* made = std::malloc(size)) return made;
  throw std::bad_alloc();
}
void operator delete(void* given) noexcept {
  std::free(given);
}
void operator delete(void* given, size_t) noexcept {
  std::free(given);
}

namespace {

using namespace mekong;
using Clock = std::chrono::steady_clock;

constexpr int kCalls = 200'000;
constexpr int64_t kNow = 1'440'938'160'000;  // 2015-08-30T12:36:00Z
constexpr const char* kDate = "20150830T123600Z";
constexpr const char* kScope = "20150830/us-east-1/glue/aws4_request";

void measure(const char* what, auto&& call) {
  for (int i = 0; i < kCalls / 10; ++i) call();
  std::vector<double> took_us(kCalls);
  const long before = allocations.load();
  for (double& us : took_us) {
    const auto from = Clock::now();
    call();
    us = std::chrono::duration<double, std::micro>(Clock::now() - from).count();
  }
  const double allocated = static_cast<double>(allocations.load() - before) / kCalls;
  std::sort(took_us.begin(), took_us.end());
  std::printf("%-58s p50 %6.2f us  p99 %6.2f us  %6.1f allocations\n", what, took_us[kCalls / 2],
              took_us[kCalls / 100 * 99], allocated);
}

// Ten statements, nine of which speak of something else.
std::string policy(int number) {
  std::string out = R"({"Version":"2012-10-17","Statement":[)";
  for (int i = 0; i < 10; ++i) {
    const std::string place = std::to_string(number) + "-" + std::to_string(i);
    out +=
        (i == 0 ? "" : ",") +
        (R"({"Sid":"s)" + std::to_string(i) + R"(","Effect":"Allow","Action":["s3:GetObject","s3:Put*"],)" +
         R"("Resource":"arn:aws:s3:::bucket-)" + place + R"(/*","Condition":{"StringLike":)" +
         R"({"aws:UserAgent":"*"},"Bool":{"aws:SecureTransport":"true"}}})");
  }
  return out + "]}";
}

struct World {
  World() {
    auto opened = iam::Iam::open(*store, iam::no_resource_policies, clock, random, {});
    if (!opened.ok()) std::abort();
    iam = std::move(*opened);
    account = AccountId(iam->directory().accounts().front().id);
    iam::User user;
    user.account = account.value;
    user.name = "u";
    for (int i = 0; i < 20; ++i) user.inline_policies["p" + std::to_string(i)] = policy(i);
    auto made = iam->directory().create_user(user);
    auto created = iam->directory().create_key(account, "u");
    if (!made.ok() || !created.ok()) std::abort();
    key = *created;
    principal = iam::principal_of_key(iam->directory(), *key);
  }
  std::unique_ptr<meta::Store> store = meta::make_memory_store();
  os::ManualClock clock{kNow};
  os::SeededRandom random{7};
  std::unique_ptr<iam::Iam> iam;
  AccountId account;
  iam::AccessKeyPtr key;
  PrincipalPtr principal;
};

std::string signature(const std::string& secret, const std::string& canonical) {
  std::string key = "AWS4" + secret;
  for (const char* part : {"20150830", "us-east-1", "glue", "aws4_request"})
    key = codec::hmac_sha256(key, part);
  return codec::hex_encode(codec::hmac_sha256(key, std::string("AWS4-HMAC-SHA256\n") + kDate + "\n" + kScope +
                                                       "\n" + codec::hex_encode(codec::sha256(canonical))));
}

void measure_signatures(World& world) {
  const std::string hash = codec::hex_encode(codec::sha256("{}"));
  std::vector<std::pair<std::string, std::string>> headers = {{"content-type", "application/x-amz-json-1.1"},
                                                              {"host", "127.0.0.1:4566"},
                                                              {"x-amz-date", kDate},
                                                              {"x-amz-target", "AWSGlue.GetDatabase"}};
  std::string canonical = "POST\n/\n\n", names;
  for (const auto& [name, value] : headers) {
    canonical += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  canonical += "\n" + names + "\n" + hash;
  headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + world.key->id + "/" + kScope +
                                            ", SignedHeaders=" + names +
                                            ", Signature=" + signature(world.key->secret, canonical));
  const iam::SignedRequest request{"POST", "/", "", headers, hash};
  if (!world.iam->authenticator().authenticate(request, false).ok()) std::abort();
  measure("signature of a JSON request, key cached, body hashed before",
          [&] { (void)world.iam->authenticator().authenticate(request, false); });
}

// What a face knows of its request, made when a statement asks for it.
class Keys final : public ConditionSource {
 public:
  bool supply(std::string_view key, ConditionValues& values) const override {
    if (key == "aws:sourceip") values.emplace_back("127.0.0.1");
    if (key == "aws:securetransport") values.emplace_back("true");
    if (key == "aws:useragent") values.emplace_back("aws-cli/2.15.30 Python/3.11.6 Linux/6.1 botocore/2.4");
    return !values.empty();
  }
  void each_key(const std::function<void(std::string_view key)>& visit) const override {
    for (const char* key : {"aws:sourceip", "aws:securetransport", "aws:useragent"}) visit(key);
  }
};

void measure_decisions(World& world) {
  const Keys keys;
  auto ask = [&](const char* resource, std::string_view request_id) {
    return world.iam->authoriser().decide({.principal = *world.principal,
                                           .action = "s3:GetObject",
                                           .resource = resource,
                                           .known = &keys,
                                           .request_id = request_id});
  };
  const char *held = "arn:aws:s3:::bucket-19-9/key", *other = "arn:aws:s3:::other/key";
  const char* request_id = "2f0d3a52-7f0b-4c58-9d43-1d6f6f3f2a11";
  if (!ask(held, "").allowed || ask(other, "").allowed) std::abort();
  measure("decision, 20 policies of 10 statements: the last allows", [&] { (void)ask(held, ""); });
  measure("the same of a request that may be asked about later", [&] { (void)ask(held, request_id); });
  measure("decision, 20 policies of 10 statements: none allows", [&] { (void)ask(other, ""); });
}

}  // namespace

int main() {
  World world;
  measure_signatures(world);
  measure_decisions(world);
}
