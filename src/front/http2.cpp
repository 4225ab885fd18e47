#include "front/http2.h"

#include <cstring>
#include <map>

#include "front/http2_session.h"

namespace mekong::front {
namespace {

using StreamId = Http2Session::StreamId;

constexpr size_t read_max = 64 << 10;
constexpr size_t write_max = 64 << 10;
constexpr int64_t strangers_bytes_max = 48 << 10;  // beside heads and what waits in the window
constexpr size_t output_kept_max = 4 << 10;        // by a connection that may be idle next
constexpr int64_t look_every_ms_max = 5'000;       // for streams that stand still

class Http2;

// A request and its reply. Belongs to the connection's loop.
struct Stream final : api::RawBody {
  Stream(std::shared_ptr<Http2> owner, StreamId id, const ServerOptions& options)
      : owner(std::move(owner)), id(id), pace(options) {}
  ~Stream() override;
  Task<Result<std::string>> read() override;
  void read_ahead() override;
  api::StrangersMemory& strangers_memory() override;

  const std::shared_ptr<Http2> owner;
  const StreamId id;
  ParsedHead parsed;
  bool open = true;  // neither side has reset it, nor have both ended

  std::string waiting;  // of the request's body, not read yet; its size is bounded by flow control
  bool whole = false;   // its body was there when it began: `waiting` is the reader's alone
  bool body_ended = false, continue_owed = false;
  std::optional<Promise<bool>> reader;  // awaits more of the body
  int64_t reader_since_ms = 0;
  Pace pace;

  api::Response response;
  bool responded = false;
  std::string piece;  // of the reply's body, from `sent` on
  size_t sent = 0;
  bool last_piece = false, fetching = false, broken = false;
  int64_t moved_ms = 0;  // when the client last took something of the reply
};
using StreamPtr = std::shared_ptr<Stream>;

class Http2 final : public Http2Session::Handler, public std::enable_shared_from_this<Http2> {
 public:
  Http2(const Service& service, os::ConnectionPtr connection)
      : service_(service), connection_(std::move(connection)), session_(service.options, *this) {}

  Task<void> run(std::string first);
  Task<Result<std::string>> read_body(Stream& stream);
  void consume(StreamId id, size_t bytes);  // any thread
  api::StrangersMemory& strangers_memory() { return strangers_memory_; }
  void caller_known();  // any thread

  void on_request(StreamId id, Result<ParsedHead> head, bool ended) override;
  void on_body(StreamId id, std::string_view data) override;
  void on_body_end(StreamId id) override;
  void on_closed(StreamId id) override;
  Http2Session::Piece next_piece(StreamId id, char* to, size_t bytes_max) override;

 private:
  static Task<void> serve_stream(std::shared_ptr<Http2> self, StreamPtr stream);
  static Task<void> fetch(std::shared_ptr<Http2> self, StreamPtr stream);
  static Task<void> write_out(std::shared_ptr<Http2> self);
  StreamPtr find(StreamId id) const;
  void respond(Stream& stream, api::Response response);
  void wake_reader(Stream& stream, bool in_time);
  void start_arrived();
  // Both write what nghttp2 has to say: at once, where it is not calling us; or later, from anywhere on the
  // loop.
  void pump();
  void pump_later();
  bool begin_writing();
  void drain();
  void task_ended();
  int64_t now_ms() const { return monotonic_ms(service_.clock); }
  int64_t look_every_ms() const;
  int64_t wait_ms() const;
  bool look_around();

  const Service& service_;
  const os::ConnectionPtr connection_;
  Http2Session session_;
  std::string output_;  // of the write that runs; its memory is kept from one to the next
  std::map<StreamId, StreamPtr> streams_;
  std::vector<StreamPtr> arrived_;  // with their heads, not begun
  size_t tasks_ = 0;                // that run for this connection, the writer among them
  std::optional<Promise<bool>> all_ended_;
  bool writing_ = false, gone_ = false, draining_ = false;
  int64_t idle_since_ms_ = 0, looked_ms_ = 0;
  api::StrangersMemory strangers_memory_{strangers_bytes_max};  // of all streams together
  std::atomic<bool> known_ = false;
};

Stream::~Stream() {
  if (!waiting.empty()) owner->consume(id, waiting.size());  // that nobody read
}

Task<Result<std::string>> Stream::read() {
  auto task = owner->read_body(*this);
  co_return co_await task;
}

void Stream::read_ahead() {
  owner->caller_known();
}

api::StrangersMemory& Stream::strangers_memory() {
  return owner->strangers_memory();
}

StreamPtr Http2::find(StreamId id) const {
  const auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : it->second;
}

Task<void> Http2::run(std::string first) {
  auto self = shared_from_this();
  idle_since_ms_ = now_ms();
  service_.busy = true;  // also where no request runs: it ends by drain()
  service_.drains([weak = weak_from_this()] {
    if (auto alive = weak.lock()) alive->connection_->executor().post([alive] { alive->drain(); });
  });
  if (service_.stopping) drain();
  bool fine = session_.feed(first, now_ms());
  while (fine) {
    start_arrived();
    pump();
    if (session_.finished() && !writing_) break;
    auto more = co_await connection_->read_some(read_max, wait_ms());
    fine = more.ok() ? session_.feed(*more, now_ms()) : more.error().code == "Timeout";
    fine = fine && look_around();
  }
  session_.shut_down();
  pump();
  gone_ = true;
  const auto left = streams_;
  for (const auto& [id, stream] : left) on_closed(id);
  if (tasks_ == 0) co_return;
  all_ended_.emplace();
  auto ended = all_ended_->future();
  co_await ended;
}

int64_t Http2::look_every_ms() const {
  const auto& options = service_.options;
  return std::min({look_every_ms_max, options.read_timeout_ms / 2 + 1, options.write_timeout_ms / 2 + 1});
}

// Streams that run are looked after; without any, the client may idle only so long, whatever else it sends.
int64_t Http2::wait_ms() const {
  if (!streams_.empty()) return look_every_ms();
  return std::max<int64_t>(1, idle_since_ms_ + service_.options.idle_timeout_ms - now_ms());
}

// False: the connection was idle for too long. Streams that stand still are ended.
bool Http2::look_around() {
  const auto now = now_ms();
  if (streams_.empty()) return now - idle_since_ms_ < service_.options.idle_timeout_ms;
  if (now - looked_ms_ < look_every_ms()) return true;
  looked_ms_ = now;
  const auto running = streams_;
  for (const auto& [id, stream] : running) {
    if (stream->reader && now - stream->reader_since_ms > service_.options.read_timeout_ms)
      wake_reader(*stream, false);
    const bool slow =
        stream->responded && !stream->fetching && now - stream->moved_ms > service_.options.write_timeout_ms;
    if (slow) session_.reset(id);
  }
  return true;
}

void Http2::on_request(StreamId id, Result<ParsedHead> head, bool ended) {
  if (gone_ || draining_ || tasks_ + arrived_.size() > 2 * service_.options.streams_max)
    return session_.refuse(id);
  if (service_.stopping) drain();
  auto stream = std::make_shared<Stream>(shared_from_this(), id, service_.options);
  streams_[id] = stream;
  stream->body_ended = ended;
  if (!head.ok()) {
    respond(*stream, plain(head.error()));
    return;
  }
  stream->parsed = std::move(*head);
  stream->parsed.head.source_ip = connection_->peer().host;
  stream->parsed.head.secure = connection_->encrypted();
  stream->parsed.head.tls_version = connection_->tls_version();
  stream->continue_owed = stream->parsed.expects_continue && !ended;
  arrived_.push_back(stream);
}

// After all that came with it has been read: a small request is whole when its handler starts.
void Http2::start_arrived() {
  const auto arrived = std::exchange(arrived_, {});
  for (const auto& stream : arrived) {
    if (!stream->open) continue;  // reset at once: nothing is begun
    stream->whole = stream->body_ended;
    ++tasks_;
    start(serve_stream(shared_from_this(), stream));
  }
}

Task<void> Http2::serve_stream(std::shared_ptr<Http2> self, StreamPtr stream) {
  auto response = co_await answer(self->service_, *self->connection_, stream->parsed.head, *stream);
  co_await resume_on(self->connection_->executor());
  if (stream->open) self->respond(*stream, std::move(response));
  self->pump();
  self->task_ended();
}

void Http2::respond(Stream& stream, api::Response response) {
  stream.response = std::move(response);
  stream.responded = true;
  stream.moved_ms = now_ms();
  stream.last_piece = stream.response.stream == nullptr;
  session_.respond(stream.id, stream.response,
                   {.head_request = stream.parsed.head.method == "HEAD", .now_ms = service_.clock.wall_ms()});
  stream.piece = std::exchange(stream.response.body, {});
}

Http2Session::Piece Http2::next_piece(StreamId id, char* to, size_t bytes_max) {
  using Piece = Http2Session::Piece;
  const auto stream = find(id);
  if (!stream || stream->broken) return {0, Piece::failed};
  stream->moved_ms = now_ms();
  const size_t bytes = std::min(bytes_max, stream->piece.size() - stream->sent);
  std::memcpy(to, stream->piece.data() + stream->sent, bytes);
  stream->sent += bytes;
  if (stream->sent < stream->piece.size()) return {bytes, Piece::more};
  if (stream->last_piece) return {bytes, Piece::end};
  if (!std::exchange(stream->fetching, true)) {
    ++tasks_;
    start(fetch(shared_from_this(), stream));
    if (bytes == 0 && !stream->fetching) return next_piece(id, to, bytes_max);
  }
  return {bytes, bytes > 0 ? Piece::more : Piece::wait};
}

// The next piece of a streaming reply, from the pool.
Task<void> Http2::fetch(std::shared_ptr<Http2> self, StreamPtr stream) {
  co_await resume_on(self->service_.pool);
  auto piece = co_await stream->response.stream->next();
  co_await resume_on(self->connection_->executor());
  stream->fetching = false;
  stream->broken = !piece.ok();
  stream->last_piece = piece.ok() && piece->empty();
  stream->piece = piece.ok() ? std::move(*piece) : std::string();
  stream->sent = 0;
  stream->moved_ms = self->now_ms();
  if (stream->open) self->session_.resume(stream->id);
  self->pump();
  self->task_ended();
}

void Http2::on_body(StreamId id, std::string_view data) {
  const auto stream = find(id);
  if (!stream) return session_.consume(id, data.size(), false);
  stream->waiting += data;
  wake_reader(*stream, true);
}

void Http2::on_body_end(StreamId id) {
  const auto stream = find(id);
  if (!stream) return;
  stream->body_ended = true;
  wake_reader(*stream, true);
}

void Http2::wake_reader(Stream& stream, bool in_time) {
  if (!stream.reader) return;
  const auto promise = *std::exchange(stream.reader, std::nullopt);
  promise.set(in_time);
}

Task<Result<std::string>> Http2::read_body(Stream& stream) {
  if (stream.whole) {  // on the caller's thread
    auto all = std::exchange(stream.waiting, {});
    if (!all.empty()) consume(stream.id, all.size());
    co_return all;
  }
  co_await resume_on(connection_->executor());
  while (stream.waiting.empty()) {
    if (stream.body_ended) co_return std::string();
    if (!stream.open) co_return incomplete_body();
    if (std::exchange(stream.continue_owed, false)) {
      session_.say_continue(stream.id);
      pump_later();
    }
    stream.reader_since_ms = now_ms();
    stream.reader.emplace();
    auto more = stream.reader->future();
    const bool in_time = co_await more;
    co_await resume_on(connection_->executor());
    stream.pace.add(now_ms() - stream.reader_since_ms, stream.waiting.size());
    if (!in_time || stream.pace.too_slow()) co_return request_timeout();
  }
  auto piece = std::exchange(stream.waiting, {});
  session_.consume(stream.id, piece.size(), stream.open);
  pump_later();
  co_return piece;
}

void Http2::consume(StreamId id, size_t bytes) {
  if (Executor::current() == &connection_->executor()) {
    session_.consume(id, bytes, find(id) != nullptr);
    return pump_later();
  }
  connection_->executor().post([self = shared_from_this(), id, bytes] { self->consume(id, bytes); });
}

void Http2::caller_known() {
  if (known_.exchange(true)) return;
  connection_->executor().post([self = shared_from_this()] {
    self->session_.caller_known();
    self->pump();
  });
}

void Http2::on_closed(StreamId id) {
  const auto stream = find(id);
  if (!stream) return;
  streams_.erase(id);
  stream->open = false;
  wake_reader(*stream, true);
  idle_since_ms_ = now_ms();
  if (service_.stopping) drain();
}

void Http2::drain() {
  if (std::exchange(draining_, true)) return;
  session_.shut_down();
  pump_later();
}

bool Http2::begin_writing() {
  if (writing_ || gone_ || !session_.has_output()) return false;
  writing_ = true;
  ++tasks_;
  return true;
}

void Http2::pump() {
  if (begin_writing()) start(write_out(shared_from_this()));
}

void Http2::pump_later() {
  if (begin_writing()) spawn(connection_->executor(), write_out(shared_from_this()));
}

Task<void> Http2::write_out(std::shared_ptr<Http2> self) {
  while (true) {
    self->session_.take_output(self->output_, write_max);
    if (self->output_.empty()) break;
    auto written = co_await self->connection_->write(self->output_, self->service_.options.write_timeout_ms);
    if (written.ok()) continue;
    self->connection_->close();
    break;
  }
  if (self->output_.capacity() > output_kept_max) self->output_ = std::string();
  self->writing_ = false;
  if (self->session_.finished()) self->connection_->close();  // wakes the reading side
  self->task_ended();
}

void Http2::task_ended() {
  --tasks_;
  if (tasks_ == 0 && all_ended_) all_ended_->set(true);
}

}  // namespace

Task<void> serve_http2(const Service& service, os::ConnectionPtr connection, std::string first) {
  auto http2 = std::make_shared<Http2>(service, std::move(connection));
  auto task = http2->run(std::move(first));
  co_await task;
}

}  // namespace mekong::front
