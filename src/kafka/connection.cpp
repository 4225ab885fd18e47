#include "kafka/connection.h"

#include <deque>

#include "codec/kafka_wire.h"
#include "gen/kafka_protocol/api_versions.h"
#include "gen/kafka_protocol/produce.h"
#include "kafka/api_table.h"
#include "kafka/request.h"
#include "kafka/sasl.h"
#include "os/files.h"

namespace mekong::kafka {

namespace {

namespace proto = gen::kafka_protocol;

constexpr int16_t kSaslHandshake = proto::SaslHandshakeRequest::api_key;
constexpr int16_t kApiVersions = proto::ApiVersionsRequest::api_key;
constexpr int16_t kSaslAuthenticate = proto::SaslAuthenticateRequest::api_key;
constexpr int16_t kProduce = proto::ProduceRequest::api_key;
constexpr size_t kReadChunk = 256 << 10;
constexpr size_t kProducesMax = 8;  // of a connection under way, so that they share the disk's syncs
constexpr size_t kProduceBytesMax = 4 << 20;

struct RequestHeader {
  int16_t api_key = 0, api_version = 0;
  int32_t correlation_id = 0;
  std::string client_id;
};

struct Outcome {
  std::string reply;  // a whole frame, but for what is kept; empty: none
  std::vector<codec::KafkaWriter::Kept> kept = {};
  std::shared_ptr<const void> owner = {};                 // of what is kept
  std::vector<std::shared_ptr<os::HeldBytes>> held = {};  // of what is kept, that which lies in files
  bool close = false;
};

struct Session {
  Cluster& cluster;
  SaslSession sasl;
  std::string client_host;
  bool encrypted = false;
};

struct Frame {
  std::string bytes;  // with its length before it
  std::string_view body() const { return std::string_view(bytes).substr(4); }
};

// One frame: its length (4 bytes, big endian), then that many bytes. What follows stays in `buffer`.
Task<Result<Frame>> read_frame(os::Connection& connection, std::string& buffer, size_t frame_max,
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
      if (buffer.size() == needed) co_return Frame{std::exchange(buffer, {})};
      if (buffer.size() > needed) {
        Frame frame{buffer.substr(0, needed)};
        buffer.erase(0, needed);
        co_return frame;
      }
    }
    // Of a large frame nothing is read beyond its end, so that it is not copied once more.
    const size_t missing = needed - buffer.size();
    const size_t wanted = needed >= kReadChunk / 4 ? missing : missing + kReadChunk;
    auto more = co_await connection.read_some(std::min(wanted, 4 * kReadChunk), timeout_ms);
    if (!more.ok()) co_return std::move(more).error();
    // (What a length promises is believed as it comes.)
    if (needed > 4) buffer.reserve(std::min(needed, 2 * (buffer.size() + more->size())));
    buffer.empty() ? void(buffer = std::move(*more)) : void(buffer += *more);
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

Outcome end_reply(codec::KafkaWriter& w) {
  codec::KafkaWriter length;
  length.i32(static_cast<int32_t>(w.size() - 4));
  Outcome outcome{.reply = w.take(), .kept = w.take_kept()};
  outcome.reply.replace(0, 4, length.data());
  return outcome;
}

// Answered in version 0 when the version is unknown (KIP-511), and always with header version 0.
Outcome answer_api_versions(const RequestHeader& header, bool known) {
  auto w = begin_reply(header, false);
  api_versions(known).encode(w, known ? header.api_version : int16_t{0});
  return end_reply(w);
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
  auto outcome = end_reply(w);
  outcome.close = session.sasl.failed();
  return outcome;
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

Task<Outcome> answer(Session& session, std::string_view frame) {
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
  // Where nothing is answered, only the end of the connection makes the client look where the topic is.
  if (context.unheard != NONE) {
    co_return refuse(session, header,
                     "error " + std::to_string(context.unheard) + " of a request without reply");
  }
  if (context.no_reply) co_return Outcome{};
  auto outcome = end_reply(w);
  outcome.owner = std::move(context.reply_owner);
  outcome.held = std::move(context.held);
  co_return outcome;
}

SaslSession::Services login_services(Cluster& cluster, const std::string& host, bool encrypted) {
  auto may_connect = [&cluster, host, encrypted](const Principal& principal) {
    return allowed(cluster, principal, ConnectionKeys(host, encrypted), "Connect", "cluster", {});
  };
  return {cluster.deps.login,
          cluster.deps.clock,
          cluster.deps.random,
          cluster.spec().listener_names,
          cluster.spec().region,
          cluster.spec().session_max_ms,
          may_connect};
}

Task<void> answer_into(Session& session, Frame frame, Promise<Outcome> done) {
  auto outcome = co_await answer(session, frame.body());
  done.set(std::move(outcome));
}

// Produce requests under way, which are begun and answered in the order in which they came. All of it on the
// connection's executor.
struct UnderWay {
  struct One {
    Future<Outcome> outcome;
    size_t bytes = 0;
  };
  std::deque<One> all;
  size_t bytes = 0;
  bool last_came = false;  // there will be no more
  bool broken = false;     // nothing is answered any more
  std::optional<Promise<bool>> to_reader, to_writer;

  bool has_room() const { return all.empty() || (all.size() < kProducesMax && bytes < kProduceBytesMax); }
  static Future<bool> change(std::optional<Promise<bool>>& seen_by) { return seen_by.emplace().future(); }
  static void changed(std::optional<Promise<bool>>& seen_by) {
    if (auto waiting = std::exchange(seen_by, std::nullopt)) waiting->set(true);
  }
};

Task<Status> write_kept(os::Connection& connection, const Outcome& outcome, std::string_view bytes) {
  for (const auto& held : outcome.held) {
    if (held->bytes().data() == bytes.data()) {
      return connection.write_held(*held, bytes.size(), kIdleTimeoutMs);
    }
  }
  return connection.write(bytes, kIdleTimeoutMs);
}

Task<Status> write_reply(os::Connection& connection, const Outcome& outcome) {
  size_t from = 0;
  for (const auto& kept : outcome.kept) {
    auto before = co_await connection.write(std::string_view(outcome.reply).substr(from, kept.at - from),
                                            kIdleTimeoutMs);
    if (!before.ok()) co_return before;
    auto written = co_await write_kept(connection, outcome, kept.bytes);
    if (!written.ok()) co_return written;
    from = kept.at;
  }
  auto rest = co_await connection.write(std::string_view(outcome.reply).substr(from), kIdleTimeoutMs);
  co_return rest;
}

// False: the connection ends.
Task<bool> deliver(Session& session, os::Connection& connection, const Outcome& outcome) {
  if (!outcome.reply.empty()) {
    auto written = co_await write_reply(connection, outcome);
    if (!written.ok()) co_return false;
  }
  if (!outcome.close) co_return true;
  // Some clients drop a reply that the end of the stream overtakes; Kafka waits as long after a failed
  // login.
  auto slept = session.cluster.deps.network.sleep(outcome.reply.empty() ? 0 : kCloseDelayMs);
  co_await slept;
  co_return false;
}

Task<void> deliver_in_order(Session& session, os::Connection& connection, UnderWay& under_way,
                            Promise<bool> done) {
  while (!under_way.all.empty() || !under_way.last_came) {
    if (under_way.all.empty()) {
      auto change = UnderWay::change(under_way.to_writer);
      co_await change;
      continue;
    }
    auto next = under_way.all.front().outcome;
    auto outcome = co_await next;
    if (!under_way.broken) {
      const bool goes_on = co_await deliver(session, connection, outcome);
      under_way.broken = !goes_on;
      if (!goes_on) connection.close();  // ends the reading, too
    }
    under_way.bytes -= under_way.all.front().bytes;
    under_way.all.pop_front();
    UnderWay::changed(under_way.to_reader);
  }
  done.set(true);
}

// Begins a Produce request and returns once its records are on their way to the log.
Task<void> begin_produce(Session& session, os::Connection& connection, UnderWay& under_way, Frame frame) {
  while (!under_way.has_room()) {
    auto change = UnderWay::change(under_way.to_reader);
    co_await change;
  }
  const size_t bytes = frame.bytes.size();
  Promise<Outcome> done;
  co_await resume_on(session.cluster.deps.pool);
  run_from_here(answer_into(session, std::move(frame), done));
  co_await resume_on(connection.executor());
  under_way.bytes += bytes;
  under_way.all.push_back({done.future(), bytes});
  UnderWay::changed(under_way.to_writer);
}

// Any other request is answered alone: after those before it, before the next one is read. False: the
// connection ends.
Task<bool> answer_alone(Session& session, os::Connection& connection, UnderWay& under_way, Frame frame) {
  while (!under_way.all.empty()) {
    auto change = UnderWay::change(under_way.to_reader);
    co_await change;
  }
  if (under_way.broken) co_return false;
  co_await resume_on(session.cluster.deps.pool);
  auto outcome = co_await answer(session, frame.body());
  co_await resume_on(connection.executor());
  const bool goes_on = co_await deliver(session, connection, outcome);
  co_return goes_on;
}

Task<void> serve(Session& session, os::Connection& connection, UnderWay& under_way) {
  std::string buffer;
  while (!under_way.broken) {
    bool logged_in = session.sasl.principal() != nullptr;
    auto frame = co_await read_frame(connection, buffer, logged_in ? kFrameMax : kFrameMaxBeforeLogin,
                                     logged_in ? kIdleTimeoutMs : kLoginTimeoutMs);
    if (!frame.ok()) {
      if (frame.error().code == "FrameTooLarge") refuse(session, {}, frame.error().message);
      co_return;
    }
    if (logged_in && codec::KafkaReader(frame->body(), 0).i16() == kProduce) {
      co_await begin_produce(session, connection, under_way, std::move(*frame));
    } else {
      const bool goes_on = co_await answer_alone(session, connection, under_way, std::move(*frame));
      if (!goes_on) co_return;
    }
  }
}

}  // namespace

Task<void> serve_connection(Cluster& cluster, os::ConnectionPtr connection) {
  std::string host = connection->peer().host;
  bool encrypted = connection->encrypted();
  Session session{cluster, SaslSession(login_services(cluster, host, encrypted)), host, encrypted};
  UnderWay under_way;
  Promise<bool> delivered;
  run_from_here(deliver_in_order(session, *connection, under_way, delivered));
  co_await serve(session, *connection, under_way);
  co_await resume_on(connection->executor());
  under_way.last_came = true;
  UnderWay::changed(under_way.to_writer);
  auto all_delivered = delivered.future();
  co_await all_delivered;
}

}  // namespace mekong::kafka
