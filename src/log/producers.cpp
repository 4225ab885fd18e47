#include "log/producers.h"

#include <limits>

namespace mekong::log {
namespace {

constexpr size_t batches_remembered = 5;  // max.in.flight.requests.per.connection of an idempotent producer

// Sequences wrap from 2^31-1 to 0.
int32_t advance(int32_t sequence, int32_t by) {
  return static_cast<int32_t>((static_cast<int64_t>(sequence) + by) &
                              static_cast<int64_t>(std::numeric_limits<int32_t>::max()));
}

int32_t last_sequence(const BatchHeader& batch) {
  return advance(batch.base_sequence, batch.record_count - 1);
}

}  // namespace

Result<Producers::Admission> Producers::admit(const BatchHeader& batch) const {
  if (batch.producer_id < 0) return Admission{};
  auto found = producers_.find(batch.producer_id);
  // A producer that this partition has forgotten (or never knew) may begin anywhere, as in Kafka.
  if (found == producers_.end()) return Admission{};
  const Producer& producer = found->second;
  if (batch.producer_epoch < producer.epoch) {
    return Error{"INVALID_PRODUCER_EPOCH", "a newer epoch of this producer has written"};
  }
  if (batch.producer_epoch > producer.epoch) {
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

void Producers::note(const BatchHeader& batch) {
  if (batch.producer_id < 0) return;
  Producer& producer = producers_[batch.producer_id];
  if (producer.epoch != batch.producer_epoch) producer.recent.clear();
  producer.epoch = batch.producer_epoch;
  producer.recent.push_back({batch.base_sequence, last_sequence(batch), batch.base_offset});
  if (producer.recent.size() > batches_remembered) producer.recent.pop_front();
}

}  // namespace mekong::log
