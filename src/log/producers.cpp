#include "log/producers.h"

#include <algorithm>

#include "codec/kafka_wire.h"

namespace mekong::log {
namespace {

constexpr size_t batches_remembered = 5;  // max.in.flight.requests.per.connection of an idempotent producer
constexpr int16_t format_version = 1;

// Sequences wrap from 2^31-1 to 0.
int32_t advance(int32_t sequence, int32_t by) {
  return static_cast<int32_t>((static_cast<int64_t>(sequence) + by) &
                              static_cast<int64_t>(std::numeric_limits<int32_t>::max()));
}

int32_t last_sequence(const BatchHeader& batch) {
  return advance(batch.base_sequence, batch.record_count - 1);
}

Error fenced() {
  return Error{"INVALID_PRODUCER_EPOCH", "a newer epoch of this producer has written"};
}

}  // namespace

Result<Producers::Admission> Producers::admit(const BatchHeader& batch) const {
  if (batch.producer_id < 0) {
    if (batch.transactional()) return Error{"INVALID_RECORD", "a transactional batch without producer"};
    return Admission{};
  }
  auto found = producers_.find(batch.producer_id);
  // A producer that this partition has forgotten (or never knew) may begin anywhere, as in Kafka.
  if (found == producers_.end()) return Admission{};
  const Producer& producer = found->second;
  if (batch.producer_epoch < producer.epoch) return fenced();
  if (producer.open_since >= 0 && !batch.transactional()) {
    return Error{"INVALID_TXN_STATE", "a batch outside of the producer's open transaction"};
  }
  if (batch.producer_epoch > producer.epoch || producer.recent.empty()) {
    if (batch.base_sequence == 0) return Admission{};
    return Error{"OUT_OF_ORDER_SEQUENCE_NUMBER", "a new epoch begins with sequence 0"};
  }
  for (const Seen& seen : producer.recent) {
    if (seen.first == batch.base_sequence && seen.last == last_sequence(batch)) {
      return Admission{.duplicate = true, .base_offset = seen.base_offset};
    }
  }
  const int32_t expected = advance(producer.recent.back().last, 1);
  if (batch.base_sequence != expected) {
    return Error{"OUT_OF_ORDER_SEQUENCE_NUMBER", "sequence " + std::to_string(batch.base_sequence) +
                                                     " came where " + std::to_string(expected) +
                                                     " was expected"};
  }
  return Admission{};
}

Result<bool> Producers::admit(const TransactionMarker& marker) const {
  auto found = producers_.find(marker.producer_id);
  if (found == producers_.end()) return false;
  if (marker.producer_epoch < found->second.epoch) return fenced();
  return found->second.open_since >= 0;
}

Producers::Producer& Producers::seen(const BatchHeader& batch, int64_t now_ms) {
  Producer& producer = producers_[batch.producer_id];
  if (producer.epoch != batch.producer_epoch) producer.recent.clear();
  producer.epoch = batch.producer_epoch;
  producer.last_seen_ms = now_ms;
  return producer;
}

void Producers::note(const BatchHeader& batch, int64_t now_ms) {
  if (batch.producer_id < 0) return;
  if (batch.control()) return note_marker(batch, now_ms);
  Producer& producer = seen(batch, now_ms);
  producer.recent.push_back({batch.base_sequence, last_sequence(batch), batch.base_offset});
  if (producer.recent.size() > batches_remembered) producer.recent.erase(producer.recent.begin());
  if (batch.transactional() && producer.open_since < 0) {
    producer.open_since = batch.base_offset;
    open_.insert(batch.base_offset);
  }
}

void Producers::note_marker(const BatchHeader& batch, int64_t now_ms) {
  Producer& producer = seen(batch, now_ms);
  if (producer.open_since >= 0 && !batch.commits) {
    aborted_.push_back({batch.producer_id, producer.open_since, batch.base_offset});
  }
  open_.erase(producer.open_since);
  producer.open_since = -1;
}

std::vector<AbortedTransaction> Producers::aborted_between(int64_t from, int64_t until) const {
  std::vector<AbortedTransaction> found;
  auto at = std::lower_bound(aborted_.begin(), aborted_.end(), from,
                             [](const AbortedRange& one, int64_t offset) { return one.last < offset; });
  for (; at != aborted_.end(); ++at) {
    if (at->first < until) found.push_back({at->producer_id, at->first});
  }
  return found;
}

void Producers::forget(int64_t log_start, int64_t idle_since_ms) {
  std::erase_if(aborted_, [&](const AbortedRange& one) { return one.last < log_start; });
  std::erase_if(producers_, [&](const auto& entry) {
    return entry.second.open_since < 0 && entry.second.last_seen_ms < idle_since_ms;
  });
}

std::string Producers::encode() const {
  codec::KafkaWriter writer;
  writer.i16(format_version);
  writer.i32(static_cast<int32_t>(producers_.size()));
  for (const auto& [id, producer] : producers_) {
    writer.i64(id);
    writer.i16(producer.epoch);
    writer.i64(producer.open_since);
    writer.i64(producer.last_seen_ms);
    writer.i32(static_cast<int32_t>(producer.recent.size()));
    for (const Seen& seen : producer.recent) {
      writer.i32(seen.first);
      writer.i32(seen.last);
      writer.i64(seen.base_offset);
    }
  }
  writer.i32(static_cast<int32_t>(aborted_.size()));
  for (const AbortedRange& one : aborted_) {
    writer.i64(one.producer_id);
    writer.i64(one.first);
    writer.i64(one.last);
  }
  return writer.take();
}

Result<Producers> Producers::decode(std::string_view bytes) {
  codec::KafkaReader reader(bytes, 0);
  Producers out;
  const bool known = reader.i16() == format_version;
  for (int32_t left = reader.i32(); known && left > 0 && !reader.failed(); --left) {
    Producer& producer = out.producers_[reader.i64()];
    producer.epoch = reader.i16();
    producer.open_since = reader.i64();
    if (producer.open_since >= 0) out.open_.insert(producer.open_since);
    producer.last_seen_ms = reader.i64();
    for (int32_t seen = reader.i32(); seen > 0 && !reader.failed(); --seen) {
      const int32_t first = reader.i32();
      const int32_t last = reader.i32();
      producer.recent.push_back({first, last, reader.i64()});
    }
  }
  for (int32_t left = reader.i32(); known && left > 0 && !reader.failed(); --left) {
    const int64_t id = reader.i64();
    const int64_t first = reader.i64();
    out.aborted_.push_back({id, first, reader.i64()});
  }
  if (!known || reader.failed() || reader.remaining() > 0) {
    return Error{"KAFKA_STORAGE_ERROR", "a producer snapshot cannot be read"};
  }
  return out;
}

}  // namespace mekong::log
