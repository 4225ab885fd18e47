#include "app/time_routes.h"

#include <charconv>
#include <optional>

#include "codec/record.h"
#include "codec/time.h"

namespace mekong::app {
namespace {

constexpr int64_t look_every_ms = 20;
constexpr int64_t settle_default_s = 30, settle_limit_s = 3600;
constexpr int quiet_looks = 2;  // work on its way from one engine to another is seen by one of two looks

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(value) : std::nullopt;
}

ClockNote note_of(const timers::ServiceClock::Reading& reading) {
  return {codec::format_iso8601(reading.service_ms), codec::format_iso8601(reading.wall_ms),
          reading.service_ms, reading.wall_ms, reading.frozen};
}

}  // namespace

TimeRoutes::TimeRoutes(timers::ServiceClock& clock, std::function<void()> moved, std::vector<OweCount> counts,
                       os::Network& network, Executor& pool, const os::Clock& time, std::string control_token)
    : clock_(clock),
      moved_(std::move(moved)),
      counts_(std::move(counts)),
      network_(network),
      pool_(pool),
      time_(time),
      control_token_(std::move(control_token)) {}

void TimeRoutes::add_to(front::InternalRoutes& routes) {
  using Request = const front::HttpRequest&;
  routes["/_mekong/clock"] = [this](Request request) { return clock(request); };
  routes["/_mekong/settle"] = [this](Request request) { return settle(request); };
}

Task<api::Response> TimeRoutes::clock(const front::HttpRequest& request) {
  co_await resume_on(pool_);
  if (!holds_token(request, control_token_)) co_return token_needed();
  if (request.head.method != "POST") {
    co_return json_reply(200, codec::encode_record(note_of(clock_.read())));
  }
  constexpr std::string_view advance = "advance ";
  Result<timers::ServiceClock::Reading> moved =
      Error{"InvalidArgument", "a POST holds freeze, resume or advance MILLISECONDS"};
  const std::string_view asked = request.body;
  if (asked == "freeze") {
    moved = clock_.freeze();
  } else if (asked == "resume") {
    moved = clock_.resume();
  } else if (const auto ms =
                 asked.starts_with(advance) ? number(asked.substr(advance.size())) : std::nullopt) {
    moved = clock_.advance(*ms);
  }
  if (!moved.ok())
    co_return failure_reply(moved.error().code == "InvalidArgument" ? 400 : 500, moved.error());
  moved_();
  co_return json_reply(200, codec::encode_record(note_of(*moved)));
}

Result<std::vector<Owed>> TimeRoutes::owed() const {
  std::vector<Owed> out;
  for (const auto& count : counts_) {
    MEKONG_TRY_ASSIGN(auto some, count());
    for (auto& one : some) out.push_back(std::move(one));
  }
  return out;
}

Task<api::Response> TimeRoutes::settle(const front::HttpRequest& request) {
  co_await resume_on(pool_);
  if (!holds_token(request, control_token_)) co_return token_needed();
  std::optional<int64_t> timeout_s = settle_default_s;
  if (constexpr std::string_view name = "timeout="; request.head.raw_query.starts_with(name)) {
    timeout_s = number(std::string_view(request.head.raw_query).substr(name.size()));
  }
  if (!timeout_s || *timeout_s < 0 || *timeout_s > settle_limit_s) {
    co_return failure_reply(400, {"InvalidArgument", "timeout is a number of seconds from 0 to 3600"});
  }
  const int64_t began_ns = time_.monotonic_ns();
  const auto waited_ms = [&] { return (time_.monotonic_ns() - began_ns) / 1'000'000; };
  int quiet = 0;
  while (true) {
    auto left = owed();
    if (!left.ok()) co_return failure_reply(500, left.error());
    quiet = left->empty() ? quiet + 1 : 0;
    const bool settled = quiet == quiet_looks;
    if (settled || (waited_ms() >= *timeout_s * 1000 && !left->empty())) {
      co_return json_reply(settled ? 200 : 408,
                           codec::encode_record(SettleNote{settled, waited_ms(), std::move(*left)}));
    }
    auto slept = network_.sleep(look_every_ms);
    co_await slept;
    co_await resume_on(pool_);
  }
}

}  // namespace mekong::app
