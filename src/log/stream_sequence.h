// Sequence numbers of streams, whose shards are partitions. A number says where in the life of a stream a
// record stands: it grows from record to record of a shard, and on from parents to children through splits
// and merges; no two records of a stream have the same, nor do those of a stream that is made anew under an
// old name. Clients take them for decimal numbers, compare them as such and keep them for long
// (KCL: "checkpoint"; https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html:
// SequenceNumber).
//
// Pure values: any thread.
#pragma once
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mekong::log {

struct SequenceNumber {
  uint64_t incarnation = 0;  // of the stream: greater for each stream of its name
  uint64_t position = 0;     // in the stream: base of the shard + offset in its partition
  uint64_t shard = 0;        // number of the shard in its stream, below 10^14

  auto operator<=>(const SequenceNumber&) const = default;
  // 56 digits as AWS's: "49", incarnation and position of 20, shard of 14; so text is in the order of
  // numbers.
  std::string text() const;
};

// Error: "InvalidSequenceNumber", `text` is none that text() gives.
Result<SequenceNumber> parse_sequence_number(std::string_view text);

// The numbers of one shard's records.
struct ShardSequence {
  uint64_t incarnation = 0, base = 0, shard = 0;

  SequenceNumber at(int64_t offset) const {
    return {incarnation, base + static_cast<uint64_t>(offset), shard};
  }
  // The first offset whose number is not below `number`: 0 for one of a parent. Errors:
  // "InvalidSequenceNumber" for one of another incarnation, or of another shard at or behind this one's base.
  Result<int64_t> offset_of(const SequenceNumber& number) const;
};

// Where a shard ended: its sequence, and the offset that its next record would have had.
struct ShardEnd {
  ShardSequence sequence;
  int64_t end_offset = 0;
};

// The numbers of a shard that a split or merge of `parents` makes: all above theirs. Of the parents of one
// stream, one or two.
ShardSequence child_of(std::span<const ShardEnd> parents, uint64_t shard);

}  // namespace mekong::log
