// What iam's tests share: an Iam over the memory store, and a signer of their own.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/hash.h"
#include "codec/record.h"
#include "codec/text.h"
#include "codec/time.h"
#include "iam/iam.h"

namespace mekong::iam {

inline constexpr int64_t test_now_ms = 1'440'938'160'000;  // 2015-08-30T12:36:00Z, as the SigV4 suite
inline const std::string test_key = "AKIDEXAMPLE", test_secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
inline const AccountId test_account("123456789012");

struct IamFixture : testing::Test {
  IamFixture() {
    put("account/123456789012", Account{.id = test_account.value, .name = "default"});
    put("key/" + test_key, AccessKey{.id = test_key, .secret = test_secret, .account = test_account.value});
    restart();
  }
  template <class T>
  void put(const std::string& key, const T& record) {
    meta::Batch batch;
    batch.put(family, key, codec::encode_record(record));
    ASSERT_TRUE(store->commit(std::move(batch)).get().ok());
  }
  void restart() {
    auto opened = Iam::open(*store, no_resource_policies, clock, random, {});
    ASSERT_TRUE(opened.ok());
    iam = std::move(*opened);
  }
  RolePtr make_role(const std::string& name, const std::string& trust_principal) {
    Role role;
    role.account = test_account.value;
    role.name = name;
    role.trust = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":)" + trust_principal +
                 R"(,"Action":"sts:AssumeRole"}})";
    auto made = iam->directory().create_role(role);
    EXPECT_TRUE(made.ok());
    return *made;
  }

  std::unique_ptr<meta::Store> store = meta::make_memory_store();
  os::ManualClock clock{test_now_ms};
  os::SeededRandom random{7};
  std::unique_ptr<Iam> iam;
};

// The signature of a canonical request, spelled out apart from the code under test.
inline std::string sign(const std::string& secret, const std::string& amz_date, const std::string& scope,
                        const std::string& canonical) {
  std::string key = "AWS4" + secret;
  size_t at = 0;
  for (int i = 0; i < 4; ++i) {
    const size_t end = scope.find('/', at);
    key = codec::hmac_sha256(key, scope.substr(at, end - at));
    at = end + 1;
  }
  const std::string text =
      "AWS4-HMAC-SHA256\n" + amz_date + "\n" + scope + "\n" + codec::hex_encode(codec::sha256(canonical));
  return codec::hex_encode(codec::hmac_sha256(key, text));
}

}  // namespace mekong::iam
