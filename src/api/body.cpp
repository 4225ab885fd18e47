#include "api/body.h"

#include <charconv>

#include "codec/digests.h"
#include "codec/text.h"
#include "codec/time.h"

namespace mekong::api {
namespace {

constexpr size_t kLineMax = 16 << 10;

Error incomplete() {
  return Error{"IncompleteBody",
               "You did not provide the number of bytes specified by the Content-Length HTTP header."};
}
Error malformed(const char* what) {
  return Error{"InvalidRequest", std::string("The aws-chunked body is malformed: ") + what};
}

}  // namespace

CheckedBody::CheckedBody(RawBody& raw, const RequestHead& head, const iam::Authentication& auth,
                         Executor& pool)
    : raw_(raw), auth_(auth), pool_(pool), length_(head.content_length) {
  using iam::BodySignature;
  signed_ = auth.body == BodySignature::signed_chunks || auth.body == BodySignature::signed_chunks_trailer;
  with_trailer_ = auth.body == BodySignature::signed_chunks_trailer ||
                  auth.body == BodySignature::unsigned_chunks_trailer;
  chunked_ = signed_ || with_trailer_;
  if (auth.body == BodySignature::signed_events) length_ = -1;
  if (chunked_) {
    length_ = -1;
    if (const auto* text = find_header(head.headers, "x-amz-decoded-content-length")) {
      std::from_chars(text->data(), text->data() + text->size(), length_);
    }
  }
  if (auth.body == BodySignature::sha256) sha256_.emplace(codec::Hasher::Algorithm::sha256);
  previous_signature_ = auth.seed_signature;
  if (const auto* text = find_header(head.headers, "content-md5")) {
    md5_.emplace(codec::Hasher::Algorithm::md5);
    md5_wanted_ = codec::base64_decode(*text).value_or("");
  }
}

Task<Result<std::string>> CheckedBody::read() {
  if (ended_) co_return std::string();
  if (md5_ && md5_wanted_.size() != 16)
    co_return Error{"InvalidDigest", "The Content-MD5 you specified was invalid."};
  const bool events = auth_.body == iam::BodySignature::signed_events;
  auto task = events ? read_events() : chunked_ ? read_chunked() : read_plain();
  auto piece = co_await task;
  co_await resume_on(pool_);
  if (!piece.ok()) co_return piece;
  seen_ += static_cast<int64_t>(piece->size());
  if (md5_) md5_->update(*piece);
  if (piece->empty()) {
    ended_ = true;
    MEKONG_CO_TRY(finish());
  }
  co_return piece;
}

Task<Result<std::string>> CheckedBody::read_plain() {
  auto piece = co_await raw_.read();
  co_await resume_on(pool_);  // to hash takes its time: not the loop's
  if (piece.ok() && sha256_) sha256_->update(*piece);
  co_return piece;
}

Status CheckedBody::finish() {
  if (length_ >= 0 && seen_ != length_) return incomplete();
  if (sha256_ && !chunked_ && codec::hex_encode(sha256_->finish()) != codec::view_of(auth_.body_sha256)) {
    return Error{"XAmzContentSHA256Mismatch",
                 "The provided 'x-amz-content-sha256' header does not match what was computed."};
  }
  if (md5_ && md5_->finish() != md5_wanted_) {
    return Error{"BadDigest", "The Content-MD5 you specified did not match what we received."};
  }
  return {};
}

// Each frame holds the bytes of one event; the last holds none.
Task<Result<std::string>> CheckedBody::read_events() {
  while (true) {
    auto frame = events_.next();
    if (!frame.ok()) co_return std::move(frame).error();
    if (*frame) {
      MEKONG_CO_TRY(check_event(**frame));
      if (!(*frame)->payload.empty()) co_return std::move((*frame)->payload);
      if (!events_.empty()) co_return malformed("bytes after the end");
      co_return std::string();
    }
    auto more = co_await raw_.read();
    co_await resume_on(pool_);
    if (!more.ok()) co_return more;
    if (more->empty()) co_return incomplete();
    events_.feed(*more);
  }
}

Status CheckedBody::check_event(const codec::EventMessage& frame) {
  using codec::EventHeader;
  const EventHeader *date = nullptr, *signature = nullptr;
  for (const auto& header : frame.headers) {
    if (header.name == ":date" && header.type == EventHeader::Type::timestamp) date = &header;
    if (header.name == ":chunk-signature" && header.type == EventHeader::Type::bytes) signature = &header;
  }
  if (frame.headers.size() != 2 || date == nullptr || signature == nullptr)
    return Error{"InvalidEventStream", "A signed event has a :date and a :chunk-signature, nothing else."};
  const auto hex_sha256 = [](const std::string& bytes) { return codec::hex_encode(codec::sha256(bytes)); };
  auto wanted =
      iam::event_signature(auth_, codec::format_amz_date(date->number), previous_signature_,
                           hex_sha256(codec::encode_event_headers({*date})), hex_sha256(frame.payload));
  if (!codec::equal_in_constant_time(wanted, codec::hex_encode(signature->text)))
    return Error{"SignatureDoesNotMatch", "The signature of an event does not match."};
  previous_signature_ = std::move(wanted);
  return {};
}

Task<Result<std::string>> CheckedBody::read_chunked() {
  std::string out;
  while (state_ != State::done) {
    starved_ = false;
    MEKONG_CO_TRY(step(out));
    if (!starved_) continue;
    if (!out.empty()) co_return out;
    buffer_.erase(0, std::exchange(at_, 0));
    if (buffer_.size() > kLineMax && state_ != State::data) co_return malformed("a line is too long");
    auto more = co_await raw_.read();
    co_await resume_on(pool_);
    if (!more.ok()) co_return more;
    if (more->empty()) co_return incomplete();
    if (buffer_.empty()) {
      buffer_ = std::move(*more);
    } else {
      buffer_ += *more;
    }
  }
  if (!out.empty()) co_return out;
  if (at_ < buffer_.size()) co_return malformed("bytes after the end");
  auto rest = co_await raw_.read();
  if (rest.ok() && !rest->empty()) co_return malformed("bytes after the end");
  co_return rest;
}

std::optional<std::string> CheckedBody::take_line() {
  const auto end = buffer_.find("\r\n", at_);
  if (end == std::string::npos) {
    starved_ = true;
    return std::nullopt;
  }
  auto line = buffer_.substr(at_, end - at_);
  at_ = end + 2;
  return line;
}

Status CheckedBody::step(std::string& out) {
  if (state_ == State::data) {
    const auto take = std::min<uint64_t>(chunk_left_, buffer_.size() - at_);
    if (signed_) sha256_->update(std::string_view(buffer_).substr(at_, take));
    if (out.empty()) out.reserve(buffer_.size() - at_);
    out.append(buffer_, at_, take);
    at_ += take;
    chunk_left_ -= take;
    if (chunk_left_ > 0) {
      starved_ = true;
    } else {
      state_ = State::data_end;
    }
    return {};
  }
  auto line = take_line();
  if (!line) return {};
  if (line->size() > kLineMax) return malformed("a line is too long");
  if (state_ == State::head) return chunk_head(*line);
  if (state_ == State::data_end) {
    if (!line->empty()) return malformed("a chunk is longer than it says");
    state_ = State::head;
    return chunk_end();
  }
  return trailer(*line);
}

Status CheckedBody::chunk_head(std::string_view line) {
  auto semicolon = line.find(';');
  auto size = line.substr(0, semicolon);
  auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), chunk_left_, 16);
  if (size.empty() || error != std::errc() || end != size.data() + size.size())
    return malformed("no chunk size");
  if (signed_) {
    constexpr std::string_view kName = "chunk-signature=";
    auto extension = semicolon == std::string_view::npos ? std::string_view() : line.substr(semicolon + 1);
    if (!extension.starts_with(kName)) return malformed("no chunk-signature");
    chunk_signature_ = extension.substr(kName.size());
    sha256_.emplace(codec::Hasher::Algorithm::sha256);
  }
  if (chunk_left_ > 0) {
    state_ = State::data;
    return {};
  }
  state_ = State::trailers;
  return chunk_end();
}

Status CheckedBody::chunk_end() {
  if (!signed_) return {};
  auto wanted = iam::chunk_signature(auth_, previous_signature_, codec::hex_encode(sha256_->finish()));
  if (!codec::equal_in_constant_time(wanted, chunk_signature_)) {
    return Error{"SignatureDoesNotMatch", "The signature of a chunk of the body does not match."};
  }
  previous_signature_ = std::move(wanted);
  return {};
}

Status CheckedBody::trailer(std::string_view line) {
  if (!line.empty()) {
    auto colon = line.find(':');
    if (!with_trailer_ || colon == std::string_view::npos)
      return malformed("a trailer that was not announced");
    auto name = codec::lower_case(codec::trim(line.substr(0, colon)));
    auto value = std::string(codec::trim(line.substr(colon + 1)));
    if (name == "x-amz-trailer-signature") {
      trailer_signature_ = value;
    } else {
      trailer_text_ += name + ":" + value + "\n";
      if (trailer_text_.size() > kLineMax) return malformed("the trailer is too long");
      trailers_.emplace_back(std::move(name), std::move(value));
    }
    return {};
  }
  state_ = State::done;
  if (!signed_ || !with_trailer_) return {};
  auto hash = codec::hex_encode(codec::sha256(trailer_text_));
  const auto wanted = iam::trailer_signature(auth_, previous_signature_, hash);
  if (!codec::equal_in_constant_time(wanted, trailer_signature_)) {
    return Error{"SignatureDoesNotMatch", "The signature of the body's trailer does not match."};
  }
  return {};
}

Task<Result<std::string>> HeldBody::hold(size_t max_bytes) {
  holds_ = true;
  while (true) {
    auto part = co_await raw_.read();
    if (!part.ok()) co_return std::move(part).error();
    if (part->empty()) break;
    if (held_.size() + part->size() > max_bytes) {
      co_return Error{"RequestEntityTooLarge", "The request body is too large.", 413};
    }
    MEKONG_CO_TRY(take(part->size()));
    held_ += *part;
  }
  co_return codec::hex_encode(codec::sha256(held_));
}

Task<Result<std::string>> HeldBody::read() {
  if (holds_) co_return std::exchange(held_, {});
  auto part = co_await raw_.read();
  if (part.ok() && counts_) MEKONG_CO_TRY(take(part->size()));
  co_return part;
}

Status HeldBody::take(size_t bytes) {
  const int64_t own = raw_.strangers_memory().take_some(static_cast<int64_t>(bytes));
  of_own_ += own;
  const int64_t more = static_cast<int64_t>(bytes) - own;
  if (!shared_.take(more))
    return Error{"SlowDown", "Too many requests wait for their signature to be checked.", 503};
  of_shared_ += more;
  return ok();
}

void HeldBody::caller_known() {
  counts_ = false;
  raw_.strangers_memory().give_back(std::exchange(of_own_, 0));
  shared_.give_back(std::exchange(of_shared_, 0));
}

Status check_sums(const Headers& headers, const Headers& trailers, std::string_view body) {
  constexpr std::string_view kPrefix = "x-amz-checksum-";
  bool any = find_header(headers, "content-md5") != nullptr;  // verified with the body
  for (const auto* list : {&headers, &trailers}) {
    for (const auto& [name, value] : *list) {
      if (!name.starts_with(kPrefix)) continue;
      std::string algorithm = name.substr(kPrefix.size());
      if (algorithm == "algorithm" || algorithm == "type" || algorithm == "mode") continue;
      for (char& c : algorithm) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      MEKONG_TRY_ASSIGN(const auto sum, codec::digest_of(algorithm, body));
      const auto wanted = codec::base64_decode(value);
      if (!wanted || wanted->size() != sum.size())
        return Error{"InvalidRequest", "Value for " + name + " header is invalid."};
      if (*wanted != sum)
        return Error{"BadDigest",
                     "The " + algorithm + " you specified did not match the calculated checksum."};
      any = true;
    }
  }
  if (any) return {};
  return Error{"InvalidRequest", "Missing required header for this request: Content-MD5"};
}

Task<Result<std::string>> read_all(BodyReader& body, size_t max_bytes) {
  std::string out;
  while (true) {
    auto piece = co_await body.read();
    if (!piece.ok()) co_return piece;
    if (piece->empty()) co_return out;
    if (out.size() + piece->size() > max_bytes) {
      co_return Error{"RequestEntityTooLarge",
                      "The request's body is larger than " + std::to_string(max_bytes) + " bytes.", 413};
    }
    out.empty() ? void(out = std::move(*piece)) : void(out += *piece);
  }
}

}  // namespace mekong::api
