#include "log/stream_sequence.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <vector>

namespace mekong::log {
namespace {

TEST(StreamSequence, text_is_56_digits_in_the_order_of_numbers) {
  const SequenceNumber number{.incarnation = 1'790'000'000'000, .position = 7, .shard = 12};
  EXPECT_EQ(number.text(),
            "49"
            "00000001790000000000"
            "00000000000000000007"
            "00000000000012");
  EXPECT_EQ(*parse_sequence_number(number.text()), number);
  const SequenceNumber last{UINT64_MAX, UINT64_MAX, 99'999'999'999'999};
  EXPECT_EQ(*parse_sequence_number(last.text()), last);
  const std::array<SequenceNumber, 5> rising = {{{1, 9, 9}, {1, 10, 0}, {1, 10, 1}, {2, 0, 0}, {10, 0, 0}}};
  for (size_t i = 1; i < rising.size(); ++i) EXPECT_LT(rising[i - 1].text(), rising[i].text());
}

TEST(StreamSequence, what_is_none_is_refused) {
  const auto good = SequenceNumber{1, 2, 3}.text();
  std::vector<std::string> bad = {
      "", "0", "49", good + "0", good.substr(1), "48" + good.substr(2), "+" + good.substr(1)};
  for (const size_t at : {2U, 22U, 42U, 55U}) {
    for (const char with : {'x', '-', '+', ' ', '\0'})
      bad.push_back(std::string(good).replace(at, 1, 1, with));
  }
  bad.push_back("49" + std::string(54, '9'));  // beyond 64 bits
  for (const auto& text : bad)
    EXPECT_EQ(parse_sequence_number(text).error().code, "InvalidSequenceNumber") << text;
}

TEST(StreamSequence, offsets_are_found_again) {
  const ShardSequence shard{.incarnation = 5, .base = 100, .shard = 2};
  EXPECT_EQ(*shard.offset_of(shard.at(0)), 0);
  EXPECT_EQ(*shard.offset_of(shard.at(77)), 77);
  EXPECT_EQ(*shard.offset_of({5, 99, 0}), 0);  // a parent's
  EXPECT_FALSE(shard.offset_of({4, 110, 2}).ok());
  EXPECT_FALSE(shard.offset_of({5, 110, 3}).ok());
}

// A stream whose shards are written, split and merged at random: the numbers of each line of descent grow,
// and none comes twice. MEKONG_SEED=n plays one again.
TEST(StreamSequence, numbers_only_grow_through_splits_and_merges) {
  const auto* given = std::getenv("MEKONG_SEED");
  const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "MEKONG_SEED=" << seed << '\n';
  std::mt19937_64 random(seed);
  struct Shard {
    ShardEnd end;
    std::string last;  // the greatest number of its line
  };
  std::vector<Shard> open = {{{{.incarnation = 3}, 0}, ""}};
  std::set<std::string> all;
  uint64_t shards = 1;
  const auto take = [&](size_t at) {
    auto shard = open[at];
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    return shard;
  };
  for (int step = 0; step < 3000; ++step) {
    const size_t at = random() % open.size();
    const auto what = random() % 20;
    if (what == 0 && open.size() < 30) {
      const std::array<ShardEnd, 1> parents = {open[at].end};
      const auto parent = take(at);
      for (int i = 0; i < 2; ++i) open.push_back({{child_of(parents, shards++), 0}, parent.last});
    } else if (what == 1 && open.size() > 1) {
      const auto one = take(at), other = take(random() % open.size());
      const std::array<ShardEnd, 2> parents = {one.end, other.end};
      open.push_back({{child_of(parents, shards++), 0}, std::max(one.last, other.last)});
    } else {
      auto& shard = open[at];
      const auto number = shard.end.sequence.at(shard.end.end_offset).text();
      EXPECT_EQ(*shard.end.sequence.offset_of(*parse_sequence_number(number)), shard.end.end_offset++);
      EXPECT_GT(number, shard.last);
      EXPECT_TRUE(all.insert(number).second);
      shard.last = number;
    }
  }
  EXPECT_GT(all.size(), 2000U);
}

}  // namespace
}  // namespace mekong::log
