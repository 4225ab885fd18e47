// How fast a body of 500 records of 1 KiB becomes a struct, by the generated tables: JSON (base64 inside) and
// CBOR. Bytes are those of the body on the wire; one core. Run by bench/decode.py.
#include <benchmark/benchmark.h>

#include "api/protocol.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "codec/text.h"
#include "gen/gauges/service.h"

namespace mekong {
namespace {

namespace gauges = gen::gauges;
constexpr int kRecords = 500;

std::string record_bytes(int seed) {
  std::string out(1024, '\0');
  uint32_t state = 2654435761u * static_cast<uint32_t>(seed + 1);
  for (char& c : out) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

std::string json_body() {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("Name");
  json.value("g");
  json.key("Records");
  json.begin_array();
  for (int i = 0; i < kRecords; ++i) {
    json.begin_object();
    json.key("Data");
    json.value(codec::base64_encode(record_bytes(i)));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return out;
}

std::string cbor_body() {
  std::string out;
  codec::CborWriter cbor(out);
  cbor.map(2);
  cbor.text("Name");
  cbor.text("g");
  cbor.text("Records");
  cbor.array(kRecords);
  for (int i = 0; i < kRecords; ++i) {
    cbor.map(1);
    cbor.text("Data");
    cbor.bytes(record_bytes(i));
  }
  return out;
}

void decode(benchmark::State& state, api::Protocol protocol, const std::string& body) {
  const api::Operation& operation = gauges::table.operations[0];
  const std::string seventh = record_bytes(7);
  for (auto _ : state) {
    gauges::PutRecordsInput input;
    api::Violations violations;
    const auto read =
        api::decode_input(protocol, gauges::table, operation, {{}, {}, {}, {}, body}, &input, violations);
    if (!read.ok() || input.records.size() != kRecords || input.records[7].data != seventh)
      state.SkipWithError("not what was written");
    benchmark::DoNotOptimize(input);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}

void json(benchmark::State& state) {
  decode(state, api::Protocol::json, json_body());
}
void cbor(benchmark::State& state) {
  decode(state, api::Protocol::rpc_cbor, cbor_body());
}
BENCHMARK(json);
BENCHMARK(cbor);

}  // namespace
}  // namespace mekong

BENCHMARK_MAIN();
