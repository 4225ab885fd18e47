#include "iam/decision_log.h"

#include <algorithm>

#include "codec/hash.h"
#include "codec/json.h"
#include "codec/record.h"
#include "codec/text.h"
#include "iam/crypto.h"

namespace mekong::iam {
namespace {

constexpr size_t decisions_max = 8192;
constexpr size_t recorded_max = 100'000;  // resources of one action of one identity
constexpr size_t nonce_bytes = 12;
constexpr std::string_view bound = "authorization-message";

Error invalid_message() {
  return {"InvalidAuthorizationMessageException", "The message is invalid: it was not made for this account.",
          400};
}

void write_items(codec::JsonWriter& json, const std::vector<std::string>& values) {
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const std::string& value : values) {
    json.begin_object();
    json.key("value");
    json.value(value);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_matched(codec::JsonWriter& json, const Explained& decision) {
  json.key("matchedStatements");
  json.begin_object();
  json.key("items");
  json.begin_array();
  if (decision.outcome == "explicitly denied") {
    json.begin_object();
    json.key("statementId"), json.value(decision.sid);
    json.key("effect"), json.value("DENY");
    json.key("policyName"), json.value(decision.policy);
    json.key("policyType"), json.value(decision.source);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_context(codec::JsonWriter& json, const Explained& decision) {
  json.key("context");
  json.begin_object();
  json.key("principal");
  json.begin_object();
  json.key("id"), json.value(decision.principal_id);
  json.key("arn"), json.value(decision.principal_arn);
  json.end_object();
  json.key("action"), json.value(decision.action);
  json.key("resource"), json.value(decision.resource);
  json.key("conditions");
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const auto& [key, values] : decision.context) {
    json.begin_object();
    json.key("key"), json.value(key);
    json.key("values"), write_items(json, values);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  json.end_object();
}

}  // namespace

void DecisionLog::keep(Explained decision) {
  std::lock_guard lock(mutex_);
  if (last_.size() >= decisions_max) last_.pop_front();
  last_.push_back(std::move(decision));
}

std::vector<Explained> DecisionLog::of_request(std::string_view request_id) const {
  std::vector<Explained> out;
  std::lock_guard lock(mutex_);
  std::copy_if(last_.begin(), last_.end(), std::back_inserter(out),
               [&](const Explained& decision) { return decision.request_id == request_id; });
  return out;
}

void DecisionLog::record(bool on) {
  std::lock_guard lock(mutex_);
  if (on) recorded_.clear();
  recording_ = on;
}

void DecisionLog::recorded(std::string_view identity, std::string_view action, std::string_view resource) {
  std::lock_guard lock(mutex_);
  auto& resources = recorded_[std::string(identity)][std::string(action)];
  if (resources.size() < recorded_max) resources.emplace(resource);
}

// Actions on the same resources share a statement.
std::map<std::string, std::string> DecisionLog::policies() const {
  std::map<std::string, std::string> out;
  std::lock_guard lock(mutex_);
  for (const auto& [identity, actions] : recorded_) {
    std::map<std::set<std::string>, std::vector<std::string>> statements;
    for (const auto& [action, resources] : actions) statements[resources].push_back(action);
    codec::JsonWriter json(out[identity]);
    auto list = [&](const char* key, const auto& texts) {
      json.key(key);
      json.begin_array();
      for (const std::string& text : texts) json.value(text);
      json.end_array();
    };
    json.begin_object();
    json.key("Version"), json.value("2012-10-17");
    json.key("Statement");
    json.begin_array();
    for (const auto& [resources, names] : statements) {
      json.begin_object();
      json.key("Effect"), json.value("Allow");
      list("Action", names);
      list("Resource", resources);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  return out;
}

std::string DecisionLog::key() const {
  return codec::hmac_sha256(secret_, bound);
}

std::string DecisionLog::encode(const Explained& decision) const {
  std::string nonce(nonce_bytes, '\0');
  random_.fill(nonce.data(), nonce.size());
  return codec::base64_encode(seal(key(), nonce, codec::encode_record(decision), bound));
}

Result<std::string> DecisionLog::decode(const AccountId& account, std::string_view message) const {
  auto bytes = codec::base64_decode(message);
  if (!bytes) return invalid_message();
  auto plain = unseal(key(), *bytes, bound);
  if (!plain) return invalid_message();
  MEKONG_TRY_ASSIGN(const auto decision, codec::decode_record<Explained>(*plain));
  if (decision.account != account.value) return invalid_message();
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("allowed"), json.value(decision.allowed());
  json.key("explicitDeny"), json.value(decision.outcome == "explicitly denied");
  write_matched(json, decision);
  json.key("failures");
  json.begin_object();
  json.key("items");
  json.begin_array();
  json.end_array();
  json.end_object();
  write_context(json, decision);
  json.end_object();
  return out;
}

}  // namespace mekong::iam
