// A request body, checked while it streams: hash, Content-MD5, aws-chunked framing with its signatures, event
// streams whose frames are signed. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html,
// https://docs.aws.amazon.com/transcribe/latest/dg/streaming-http2.html
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/pipeline.h"
#include "codec/event_stream.h"
#include "codec/hash.h"

namespace mekong::api {

// The wire's body, held back where its hash is part of what the caller signed. What is kept of it before the
// caller is known comes from the connection's own memory for strangers, then from the one shared by all.
class HeldBody final : public RawBody {
 public:
  HeldBody(RawBody& raw, StrangersMemory& shared) : raw_(raw), shared_(shared) {}
  ~HeldBody() override { caller_known(); }
  // Reads all of it and answers the hex SHA-256; read() then gives it once. Errors: "RequestEntityTooLarge",
  // "SlowDown": there is no memory left.
  Task<Result<std::string>> hold(size_t max_bytes);
  // Whoever reads keeps what it reads, for a caller that is not known: read() may fail with "SlowDown".
  void kept_by_reader() { counts_ = true; }
  Task<Result<std::string>> read() override;
  void read_ahead() override { raw_.read_ahead(); }
  void caller_known();

 private:
  Status take(size_t bytes);

  RawBody& raw_;
  StrangersMemory& shared_;
  int64_t of_own_ = 0, of_shared_ = 0;
  bool holds_ = false, counts_ = false;
  std::string held_;
};

// Holds one chunk of the wire at a time. What it hands out before the end is checked at the end: a caller
// keeps nothing before read() returned empty.
class CheckedBody final : public BodyReader {
 public:
  // All must outlive it.
  CheckedBody(RawBody& raw, const RequestHead& head, const iam::Authentication& auth, Executor& pool);
  Task<Result<std::string>> read() override;
  int64_t length() const override { return length_; }
  const std::vector<std::pair<std::string, std::string>>& trailers() const override { return trailers_; }

 private:
  enum class State { head, data, data_end, trailers, done };
  Task<Result<std::string>> read_plain();
  Task<Result<std::string>> read_chunked();
  Task<Result<std::string>> read_events();
  Status step(std::string& out);  // moves on with what is buffered; too short: sets starved_
  Status chunk_head(std::string_view line);
  Status chunk_end();
  Status trailer(std::string_view line);
  Status check_event(const codec::EventMessage& frame);
  Status finish();
  std::optional<std::string> take_line();

  RawBody& raw_;
  const iam::Authentication& auth_;
  Executor& pool_;
  int64_t length_ = -1;
  int64_t seen_ = 0;
  bool chunked_ = false, signed_ = false, with_trailer_ = false;
  bool ended_ = false;
  std::optional<codec::Hasher> sha256_, md5_;
  std::string md5_wanted_;

  codec::EventDecoder events_;
  State state_ = State::head;
  std::string buffer_;  // of the wire; what lies before at_ is done with and goes when more comes
  size_t at_ = 0;
  bool starved_ = false;
  uint64_t chunk_left_ = 0;
  std::string chunk_signature_, previous_signature_, trailer_signature_, trailer_text_;
  std::vector<std::pair<std::string, std::string>> trailers_;
};

// x-amz-checksum-* of a body that was read whole, from headers and trailers. Errors: "BadDigest",
// "InvalidRequest": a checksum that is none, or where neither one nor Content-MD5 is there.
Status check_sums(const Headers& headers, const Headers& trailers, std::string_view body);

// Reads all of it. Errors: those of the body, "RequestEntityTooLarge".
Task<Result<std::string>> read_all(BodyReader& body, size_t max_bytes);

}  // namespace mekong::api
