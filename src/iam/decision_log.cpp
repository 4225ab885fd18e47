#include "iam/decision_log.h"

#include <algorithm>
#include <array>
#include <memory_resource>

#include "codec/hash.h"
#include "codec/json.h"
#include "codec/record.h"
#include "codec/text.h"
#include "iam/crypto.h"

namespace mekong::iam {
namespace {

constexpr size_t decisions_max = 8192;
constexpr size_t others_max = 1024;
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

Explained& DecisionLog::oldest() {
  if (last_.size() < decisions_max) return last_.emplace_back();
  Explained& slot = last_[next_];
  next_ = (next_ + 1) % decisions_max;
  return slot;
}

std::vector<Explained> DecisionLog::of_request(std::string_view request_id) const {
  std::vector<Explained> out;
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < last_.size(); ++i) {
    const Explained& decision = last_[(next_ + i) % last_.size()];
    if (decision.request_id == request_id) out.push_back(decision);
  }
  return out;
}

bool DecisionLog::denied_again(std::string_view principal_arn, std::string_view action,
                               std::string_view resource, int64_t now_ms) {
  std::array<std::byte, 1024> room;
  std::pmr::monotonic_buffer_resource memory(room.data(), room.size());
  std::pmr::string name(&memory);
  name.reserve(principal_arn.size() + action.size() + resource.size() + 2);
  name.append(principal_arn).append("\n").append(action).append("\n").append(resource);
  std::lock_guard lock(mutex_);
  const auto at = others_.find(std::string_view(name));
  if (at == others_.end()) return false;
  ++at->second.times;
  at->second.at_ms = now_ms;
  return true;
}

void DecisionLog::remember(Explained denial) {
  const std::string name = denial.principal_arn + "\n" + denial.action + "\n" + denial.resource;
  std::lock_guard lock(mutex_);
  if (others_.size() >= others_max) {
    others_.erase(
        std::ranges::min_element(others_, {}, [](const auto& other) { return other.second.at_ms; }));
  }
  others_.insert_or_assign(name, std::move(denial));
}

std::vector<Explained> DecisionLog::denials(size_t most) const {
  std::vector<Explained> out;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, decision] : others_) out.push_back(decision);
    for (const Explained& decision : last_) {
      if (!decision.allowed()) out.push_back(decision);
    }
  }
  std::ranges::sort(out, {}, &Explained::at_ms);
  if (out.size() > most) out.erase(out.begin(), out.end() - static_cast<long>(most));
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
