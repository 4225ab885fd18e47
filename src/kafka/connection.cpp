#include "kafka/connection.h"

#include "codec/kafka_wire.h"
#include "gen/kafka_protocol/api_versions.h"
#include "kafka/api_table.h"
#include "kafka/request.h"
#include "kafka/sasl.h"

namespace mekong::kafka {

namespace {

namespace proto = gen::kafka_protocol;

constexpr int16_t kSaslHandshake = proto::SaslHandshakeRequest::api_key;
constexpr int16_t kApiVersions = proto::ApiVersionsRequest::api_key;
constexpr int16_t kSaslAuthenticate = proto::SaslAuthenticateRequest::api_key;
constexpr size_t kReadChunk = 256 << 10;

struct RequestHeader {
  int16_t api_key = 0, api_version = 0;
  int32_t correlation_id = 0;
  std::string client_id;
};

struct Outcome {
  std::string reply;  // a whole frame; empty: none
  bool close = false;
};

struct Session {
  Cluster& cluster;
  SaslSession sasl;
  std::string client_host;
  bool encrypted = false;
};

// One frame: its length (4 bytes, big endian), then that many bytes. What follows stays in `buffer`.
Task<Result<std::string>> read_frame(os::Connection& connection, std::string& buffer, size_t frame_max,
                                     int64_t timeout_ms) {
  while (true) {
    size_t needed = 4;
    if (buffer.size() >= 4) {
      auto length = static_cast<uint32_t>(codec::KafkaReader(buffer, 0).i32());
      if (length > frame_max) {
        co_return Error{"FrameTooLarge", "a frame of " + std::to_string(length) + " bytes; at most " +
                                             std::to_string(frame_max)};
      }
      needed += length;
      if (buffer.size() >= needed) {
        std::string frame = buffer.substr(4, length);
        buffer.erase(0, needed);
        co_return frame;
      }
    }
    auto more = co_await connection.read_some(std::min(needed - buffer.size() + kReadChunk, 4 * kReadChunk),
                                              timeout_ms);
    if (!more.ok()) co_return std::move(more).error();
    buffer += *more;
  }
}

// Header versions 1 and 2; version 2 is that of flexible requests and adds tagged fields.
RequestHeader read_header(codec::KafkaReader& r) {
  RequestHeader header;
  header.api_key = r.i16();
  header.api_version = r.i16();
  header.correlation_id = r.i32();
  header.client_id = r.nullable_string(false).value_or(std::string());
  return header;
}

void skip_tags(codec::KafkaReader& r) {
  uint32_t tags = r.varuint();
  for (uint32_t i = 0; i < tags && !r.failed(); ++i) {
    r.varuint();
    r.skip(r.varuint());
  }
}

codec::KafkaWriter begin_reply(const RequestHeader& header, bool flexible) {
  codec::KafkaWriter w;
  w.i32(0);  // the length, known at the end
  w.i32(header.correlation_id);
  if (flexible) w.varuint(0);
  return w;
}

std::string end_reply(codec::KafkaWriter& w) {
  std::string frame = w.take();
  codec::KafkaWriter length;
  length.i32(static_cast<int32_t>(frame.size() - 4));
  frame.replace(0, 4, length.data());
  return frame;
}

// Answered in version 0 when the version is unknown (KIP-511), and always with header version 0.
Outcome answer_api_versions(const RequestHeader& header, bool known) {
  auto w = begin_reply(header, false);
  api_versions(known).encode(w, known ? header.api_version : int16_t{0});
  return {end_reply(w)};
}

Outcome answer_sasl(Session& session, const RequestHeader& header, bool flexible, codec::KafkaReader& r) {
  auto w = begin_reply(header, flexible);
  const bool known = session.sasl.principal() != nullptr;
  if (header.api_key == kSaslHandshake) {
    proto::SaslHandshakeRequest request;
    request.decode(r, header.api_version);
    if (r.failed()) return {.close = true};
    session.sasl.handshake(request, header.api_version).encode(w, header.api_version);
  } else {
    proto::SaslAuthenticateRequest request;
    request.decode(r, header.api_version);
    if (r.failed()) return {.close = true};
    session.sasl.authenticate(request).encode(w, header.api_version);
  }
  if (session.sasl.failed()) {
    session.cluster.deps.logger.warn("kafka", "login refused",
                                     {{"cluster", session.cluster.spec().name},
                                      {"client", session.client_host},
                                      {"reason", session.sasl.failure()}});
  } else if (!session.sasl.between_steps()) {
    session.cluster.deps.logger.write(Level::debug, "kafka", known ? "login renewed" : "login",
                                      {{"cluster", session.cluster.spec().name},
                                       {"client", session.client_host},
                                       {"principal", session.sasl.principal()->arn}});
  }
  return {end_reply(w), session.sasl.failed()};
}

Outcome refuse(Session& session, const RequestHeader& header, std::string_view why) {
  session.cluster.deps.logger.warn("kafka", "connection closed",
                                   {{"cluster", session.cluster.spec().name},
                                    {"client", session.client_host},
                                    {"api", std::to_string(header.api_key)},
                                    {"version", std::to_string(header.api_version)},
                                    {"reason", std::string(why)}});
  return {.close = true};
}

Task<Outcome> answer(Session& session, const std::string& frame) {
  codec::KafkaReader r(frame, 4 * frame.size() + (session.sasl.principal() ? 16u << 20 : 1u << 16));
  auto header = read_header(r);
  const Api* api = find_api(header.api_key);
  bool known =
      api != nullptr && header.api_version >= api->min_version && header.api_version <= api->max_version;
  if (!r.failed() && header.api_key == kApiVersions) co_return answer_api_versions(header, known);
  if (r.failed()) co_return refuse(session, header, "malformed header");
  // What cannot be decoded cannot be answered in its own shape either: Kafka closes, too.
  if (!known) co_return refuse(session, header, "UNSUPPORTED_VERSION");
  bool flexible = header.api_version >= api->first_flexible_version;
  if (flexible) skip_tags(r);
  bool is_sasl = header.api_key == kSaslHandshake || header.api_key == kSaslAuthenticate;
  if (is_sasl) co_return answer_sasl(session, header, flexible, r);
  if (!session.sasl.principal()) co_return refuse(session, header, "request before login");
  if (session.sasl.between_steps()) co_return refuse(session, header, "request between handshake and token");
  if (session.sasl.expired()) co_return refuse(session, header, "session expired without re-authentication");

  PrincipalPtr principal = session.sasl.principal();
  RequestContext context{.cluster = session.cluster,
                         .principal = *principal,
                         .version = header.api_version,
                         .client_id = header.client_id,
                         .client_host = session.client_host,
                         .encrypted = session.encrypted};
  auto w = begin_reply(header, flexible);
  co_await api->handle(context, r, w);
  if (context.malformed) co_return refuse(session, header, "malformed request");
  Outcome outcome;
  if (!context.no_reply) outcome.reply = end_reply(w);
  co_return outcome;
}

SaslSession::Services login_services(Cluster& cluster, const ConditionContext& context) {
  auto may_connect = [&cluster, context](const Principal& principal) {
    return allowed(cluster, principal, context, "Connect", "cluster", {});
  };
  return {cluster.deps.login,
          cluster.deps.clock,
          cluster.deps.random,
          cluster.spec().listener_names,
          cluster.spec().region,
          cluster.spec().session_max_ms,
          may_connect};
}

}  // namespace

Task<void> serve_connection(Cluster& cluster, os::ConnectionPtr connection) {
  std::string host = connection->peer().host;
  bool encrypted = connection->encrypted();
  Session session{cluster, SaslSession(login_services(cluster, connection_context(host, encrypted))), host,
                  encrypted};
  std::string buffer;
  while (true) {
    bool logged_in = session.sasl.principal() != nullptr;
    auto frame = co_await read_frame(*connection, buffer, logged_in ? kFrameMax : kFrameMaxBeforeLogin,
                                     logged_in ? kIdleTimeoutMs : kLoginTimeoutMs);
    if (!frame.ok()) {
      if (frame.error().code == "FrameTooLarge") refuse(session, {}, frame.error().message);
      co_return;
    }
    co_await resume_on(cluster.deps.pool);
    auto outcome = co_await answer(session, *frame);
    co_await resume_on(connection->executor());
    if (!outcome.reply.empty()) {
      auto written = co_await connection->write(outcome.reply, kIdleTimeoutMs);
      if (!written.ok()) co_return;
    }
    if (!outcome.close) continue;
    // Some clients drop a reply that the end of the stream overtakes; Kafka waits as long after a failed
    // login.
    auto slept = cluster.deps.network.sleep(outcome.reply.empty() ? 0 : kCloseDelayMs);
    co_await slept;
    co_return;
  }
}

}  // namespace mekong::kafka
