// Any head and body through the whole pipeline, for services of every protocol: an answer always comes, its
// head is one HTTP may carry, and a success of a made-up service has passed its decoder. Input: one byte
// picks the service and its content type, then lines up to an empty one (method and target first, headers
// after it), then the body.
#include "api/harness.h"
#include "codec/text.h"
#include "gen/gauges/twin.h"
#include "gen/glue/twin.h"
#include "gen/s3/twin.h"
#include "gen/sts/twin.h"
#include "gen/talks/twin.h"

namespace mekong::wire {
namespace {

struct Spoken {
  const char* service;
  const char* name;  // of a header
  const char* value;
};
constexpr Spoken kSpoken[] = {{"gauges", "smithy-protocol", "rpc-v2-cbor"},
                              {"gauges", "content-type", "application/x-amz-cbor-1.1"},
                              {"gauges", "content-type", "application/x-amz-json-1.0"},
                              {"gauges", "content-type", "application/x-www-form-urlencoded"},
                              {"talks", "content-type", "application/vnd.amazon.eventstream"},
                              {"s3", "content-type", "application/xml"},
                              {"sts", "content-type", "application/x-www-form-urlencoded"},
                              {"glue", "content-type", "application/x-amz-json-1.1"},
                              {"", "x-none", ""}};

class Talks final : public gen::talks::Twin {
  Task<Result<gen::talks::ConverseOutput>> converse(api::Context&, const gen::talks::ConverseInput&,
                                                    api::EventReader<gen::talks::Said>& said) override {
    while (true) {
      auto event = co_await said.next();
      if (!event.ok()) co_return std::move(event).error();
      if (!event->has_value()) break;
    }
    co_return gen::talks::ConverseOutput{};
  }
};

struct World {
  gen::gauges::Twin gauges;
  Talks talks;
  gen::s3::Twin s3;
  gen::sts::Twin sts;
  gen::glue::Twin glue;
  api::Harness harness{{bind(gauges), bind(talks), bind(s3), bind(sts), bind(glue)}};
};

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

void send(World& world, std::string_view input) {
  const Spoken& spoken = kSpoken[static_cast<unsigned char>(input[0]) % std::size(kSpoken)];
  input.remove_prefix(1);
  const auto first = take_line(input);
  const auto space = first.find(' ');
  const std::string method(first.substr(0, space));
  const std::string target(space == std::string_view::npos ? "/" : first.substr(space + 1));
  api::Headers headers = {{spoken.name, spoken.value}};
  while (true) {
    const auto line = take_line(input);
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    headers.emplace_back(codec::lower_case(line.substr(0, colon)), line.substr(colon + 1));
  }
  auto response = world.harness.call(spoken.service, method, target, headers, std::string(input));
  if (response.status < 200 || response.status > 599) __builtin_trap();
}

}  // namespace
}  // namespace mekong::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  static auto* world = new mekong::wire::World();
  if (size_bytes > 0)
    mekong::wire::send(*world, std::string_view(reinterpret_cast<const char*>(data), size_bytes));
  return 0;
}
