// Power cuts and failing files at every step of the log's life, on the in-memory disk, against a simple
// model: what was acknowledged is there, in order, once; what was not is there whole or not at all.
// MEKONG_LOG_SEED=n runs the lives of one seed again, MEKONG_LOG_LIVES=n so many lives.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "log/batch_builder.h"
#include "log/disk_log.h"
#include "log/records.h"
#include "os/memory_files.h"

namespace mekong::log {
namespace {

enum class Fate { plain, open, committed, aborted };

struct Written {
  std::string key, value;
  Fate fate = Fate::plain;
  int64_t offset = -1;  // -1: not known, it was not acknowledged
};

// A producer of one partition: it retries what was not acknowledged, as an idempotent client does.
struct Writer {
  int64_t id = -1;
  int32_t sequence = 0;
  bool transactional = false;
};

struct Model {
  std::vector<Written> written;
  std::optional<Written> unknown;  // sent, answered with an error
  Writer writer;
  bool in_transaction = false, created = false;
  bool compact = false;
  std::optional<bool> ending;  // a marker of unknown outcome: commits?
  int64_t deleted_before = 0, maybe_deleted_before = 0;
};

// The values that a consumer takes. `aborted` by first offset.
std::vector<std::pair<int64_t, std::string>> values_of(const std::string& batches,
                                                       const std::vector<AbortedTransaction>& aborted) {
  std::vector<std::pair<int64_t, std::string>> out;
  std::string_view rest(batches);
  std::set<int64_t> dropping;  // producers whose records are those of an aborted transaction
  size_t next_aborted = 0;
  while (!rest.empty()) {
    auto header = parse_header(rest);
    EXPECT_TRUE(header.ok());
    if (!header.ok()) return out;
    const auto batch = rest.substr(0, header->size_bytes);
    rest.remove_prefix(header->size_bytes);
    for (; next_aborted < aborted.size() && aborted[next_aborted].first_offset <= header->base_offset;
         ++next_aborted) {
      dropping.insert(aborted[next_aborted].producer_id);
    }
    if (header->control()) {
      if (!*parse_marker(batch)) dropping.erase(header->producer_id);
      continue;
    }
    if (header->transactional() && dropping.contains(header->producer_id)) continue;
    const auto seen = each_record(*header, batch.substr(batch_header_bytes), [&](const Record& record) {
      out.emplace_back(record.offset, std::string(*record.value));
      return ok();
    });
    EXPECT_TRUE(seen.ok());
  }
  return out;
}

using Values = std::vector<std::pair<int64_t, std::string>>;

// Where two readings begin to differ; empty: nowhere.
std::string difference(const Values& there, const Values& wanted) {
  const auto at = static_cast<size_t>(
      std::mismatch(there.begin(), there.end(), wanted.begin(), wanted.end()).first - there.begin());
  const auto said = [at](const Values& values) {
    return at < values.size() ? std::to_string(values[at].first) + " " + values[at].second.substr(0, 12)
                              : "its end";
  };
  if (there == wanted) return "";
  return "there: " + said(there) + " of " + std::to_string(there.size()) + ", wanted: " + said(wanted) +
         " of " + std::to_string(wanted.size());
}

class LogLives : public testing::Test {
 protected:
  void begin(uint64_t seed) {
    log_.reset();
    random_.seed(seed);
    files_ = std::make_unique<os::MemoryFiles>();
    models_.clear();
    for (int i = 0; i < 6; ++i) {
      Model model;
      if (i % 3 > 0) model.writer = {100 + i, 0, i % 3 > 1};
      model.compact = i >= 3;
      models_.emplace(PartitionId("part-" + std::to_string(i)), model);
    }
    serial_ = 0;
  }
  Status open() {
    log_.reset();
    const DiskLogOptions options{.segment_bytes_max = 3000,
                                 .journal_bytes_max = 40000,
                                 .open_files_max = 3,
                                 .restored_together_min = beside_ ? 2U : 16U,
                                 .committer = {.direct_bytes_min = 700,
                                               .direct_round_bytes_min = 900,
                                               .unsynced_files_max = 3,
                                               .finished_together_min = beside_ ? 2U : 16U,
                                               .gathering = {.share_bytes_max = 400, .bytes_max = 800},
                                               .gathered_bytes_max = 1200,
                                               .beside_partitions_min = beside_ ? 2U : 8U}};
    MEKONG_TRY_ASSIGN(log_, DiskLog::open(*files_, clock_, salts_, null_logger(), "/log", options));
    return ok();
  }

  static PartitionConfig config_of(const Model& model) {
    PartitionConfig config{.retention_ms = -1};
    if (!model.compact) return config;
    config.compact = true;
    config.min_cleanable_dirty_ppm = 100'000;
    config.delete_retention_ms = 3;
    config.max_compaction_lag_ms = 500;
    return config;
  }
  std::string batch(Model& model, const Written& written) {
    BatchOptions options;
    if (model.writer.id >= 0) {
      options = {.producer_id = model.writer.id,
                 .producer_epoch = 0,
                 .base_sequence = model.writer.sequence,
                 .attributes = static_cast<int16_t>(model.writer.transactional ? 0x10 : 0)};
    }
    return build_batch({{written.key, written.value, clock_.service_ms() - 400}}, options);
  }

  // Sends one value to each of some partitions at once, so that they share rounds. False: something failed.
  bool append_some() {
    std::vector<std::pair<Model*, Future<Result<AppendResult>>>> sent;
    for (auto& [id, model] : models_) {
      if (!model.created || model.ending || random_() % 3 == 0) continue;
      const bool retry = model.unknown.has_value() && model.writer.id >= 0;
      if (!retry) {
        std::string value = "<v" + std::to_string(++serial_) + std::string(random_() % 2 * 40, '.');
        if (random_() % 8 == 0) value += std::string(900, '#');
        const auto fate = model.writer.transactional ? Fate::open : Fate::plain;
        model.unknown = Written{"key" + std::to_string(random_() % 5), value + ">", fate};
      }
      sent.emplace_back(&model, log_->append(id, batch(model, *model.unknown)));
    }
    bool all = true;
    for (auto& [model, future] : sent) {
      auto done = future.get();
      all = all && done.ok();
      if (!done.ok()) continue;
      model->unknown->offset = done->base_offset;
      model->written.push_back(*model->unknown);
      model->unknown.reset();
      ++model->writer.sequence;
      if (model->writer.transactional) model->in_transaction = true;
    }
    return all;
  }

  bool end_one() {
    for (auto& [id, model] : models_) {
      if (!model.in_transaction || model.unknown || (!model.ending && random_() % 2 == 0)) continue;
      if (!model.ending) model.ending = random_() % 2 == 0;
      if (!log_->end_transaction(id, {model.writer.id, 0, *model.ending}).get().ok()) return false;
      ended(model);
    }
    return true;
  }
  static void ended(Model& model) {
    for (auto& one : model.written) {
      if (one.fate == Fate::open) one.fate = *model.ending ? Fate::committed : Fate::aborted;
    }
    model.ending.reset();
    model.in_transaction = false;
  }

  bool change_one() {
    auto& [id, model] = *std::next(models_.begin(), static_cast<long>(random_() % models_.size()));
    if (!model.created) {
      auto made = log_->create(id, config_of(model));
      model.created = made.ok() || made.error().code == "TOPIC_ALREADY_EXISTS";
      return model.created;
    }
    if (random_() % 4 == 0) return log_->configure(id, config_of(model)).ok();
    if (random_() % 3 > 0) {
      clock_.advance_ms(static_cast<int64_t>(random_() % 300));
      log_->retain();
      return true;
    }
    const auto offsets = log_->offsets(id);
    if (!offsets.ok()) return false;
    const int64_t upto = offsets->log_start + (offsets->last_stable - offsets->log_start) / 2;
    model.maybe_deleted_before = std::max(upto, model.maybe_deleted_before);
    if (!log_->delete_before(id, upto).ok()) return false;
    model.deleted_before = std::max(upto, model.deleted_before);
    return true;
  }

  // Until something fails, or `steps` are done.
  void live(int steps) {
    for (int i = 0; i < steps; ++i) {
      const auto dice = random_() % 10;
      const bool good = dice < 6 ? append_some() : dice < 8 ? end_one() : change_one();
      if (!good) return;
    }
  }

  std::vector<std::pair<int64_t, std::string>> read_all(const PartitionId& id, const Offsets& offsets,
                                                        Isolation isolation) {
    std::vector<std::pair<int64_t, std::string>> out;
    const int64_t end = isolation == Isolation::read_committed ? offsets.last_stable : offsets.high_watermark;
    std::string batches;
    std::vector<AbortedTransaction> aborted;
    for (int64_t at = offsets.log_start; at < end;) {
      auto read = log_->read(id, at, 1 + random_() % 2000, isolation);
      EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
      if (!read.ok() || read->batches.empty()) break;
      for (std::string_view rest(read->batches); !rest.empty();) {
        auto header = parse_header(rest);
        EXPECT_LE(header->base_offset, at);
        at = header->last_offset() + 1;
        rest.remove_prefix(header->size_bytes);
      }
      batches += read->batches;
      for (const auto& one : read->aborted) {
        if (std::find(aborted.begin(), aborted.end(), one) == aborted.end()) aborted.push_back(one);
      }
    }
    std::sort(aborted.begin(), aborted.end(),
              [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
    return values_of(batches, aborted);
  }

  void check(const PartitionId& id, Model& model) {
    auto offsets = log_->offsets(id);
    if (!model.created) {
      // Its creation was answered with an error, or never asked for: whole or absent.
      if (offsets.ok()) EXPECT_EQ(offsets->high_watermark, 0);
      model.created = offsets.ok();
      return;
    }
    ASSERT_TRUE(offsets.ok()) << offsets.error().message;
    EXPECT_GE(offsets->log_start, model.deleted_before);
    EXPECT_LE(offsets->log_start, model.maybe_deleted_before);
    model.deleted_before = model.maybe_deleted_before = offsets->log_start;
    auto all = read_all(id, *offsets, Isolation::read_uncommitted);
    settle_unknown(id, model, all);
    offsets = log_->offsets(id);
    ASSERT_TRUE(offsets.ok());
    const auto committed = read_all(id, *offsets, Isolation::read_committed);
    if (model.compact) return check_compacted(model, *offsets, all, committed);
    std::vector<std::pair<int64_t, std::string>> wanted, wanted_committed;
    for (const auto& one : model.written) {
      if (one.offset < offsets->log_start) continue;
      wanted.emplace_back(one.offset, one.value);
      if (counts(one) && one.offset < offsets->last_stable)
        wanted_committed.emplace_back(one.offset, one.value);
    }
    EXPECT_EQ(difference(all, wanted), "");
    EXPECT_EQ(difference(committed, wanted_committed), "");
  }
  static bool counts(const Written& one) { return one.fate == Fate::plain || one.fate == Fate::committed; }

  // Nothing but what was written, each at its offset; of each key the last that counts; all that is
  // undecided.
  static void check_compacted(const Model& model, const Offsets& offsets, const Values& all,
                              const Values& committed) {
    std::map<int64_t, const Written*> by_offset;
    std::map<std::string, const Written*> last;
    for (const auto& one : model.written) {
      by_offset[one.offset] = &one;
      if (counts(one)) last[one.key] = &one;
    }
    for (const Values* values : {&all, &committed}) {
      int64_t before = -1;
      std::set<int64_t> there;
      for (const auto& [offset, value] : *values) {
        EXPECT_GT(offset, before);
        before = offset;
        there.insert(offset);
        const auto found = by_offset.find(offset);
        ASSERT_TRUE(found != by_offset.end()) << "offset " << offset << " was never given";
        EXPECT_EQ(value, found->second->value) << "at " << offset;
        if (values == &committed) EXPECT_TRUE(counts(*found->second)) << "aborted: " << offset;
      }
      const int64_t until = values == &committed ? offsets.last_stable : offsets.high_watermark;
      for (const auto& [key, one] : last) {
        if (one->offset < offsets.log_start || one->offset >= until) continue;
        EXPECT_TRUE(there.contains(one->offset))
            << "the last of " << key << ", at " << one->offset << ", went";
      }
      for (const auto& one : model.written) {
        if (one.fate != Fate::open || values == &committed || one.offset < offsets.log_start) continue;
        EXPECT_TRUE(there.contains(one.offset)) << "undecided, at " << one.offset << ", went";
      }
    }
  }

  // What was answered with an error is there or not; a retry by an idempotent writer makes it so, once.
  void settle_unknown(const PartitionId& id, Model& model,
                      std::vector<std::pair<int64_t, std::string>>& all) {
    if (model.unknown) {
      const bool there = !all.empty() && all.back().second == model.unknown->value;
      if (there) model.unknown->offset = all.back().first;
      if (!there && model.writer.id >= 0) {
        auto done = log_->append(id, batch(model, *model.unknown)).get();
        ASSERT_TRUE(done.ok()) << done.error().code;
        EXPECT_FALSE(done->duplicate);
        model.unknown->offset = done->base_offset;
        all.emplace_back(done->base_offset, model.unknown->value);
      } else if (there && model.writer.id >= 0) {
        auto done = log_->append(id, batch(model, *model.unknown)).get();
        ASSERT_TRUE(done.ok()) << done.error().code;
        EXPECT_TRUE(done->duplicate);
        EXPECT_EQ(done->base_offset, all.back().first);
      }
      if (model.unknown->offset >= 0) {
        model.written.push_back(*model.unknown);
        ++model.writer.sequence;
        if (model.writer.transactional) model.in_transaction = true;
      }
      model.unknown.reset();
    }
    if (!model.ending) return;
    ASSERT_TRUE(log_->end_transaction(id, {model.writer.id, 0, *model.ending}).get().ok());
    ended(model);
  }

  void recover_and_check(const std::string& what) {
    SCOPED_TRACE(what);
    files_->no_more_failures();
    auto opened = open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    for (auto& [id, model] : models_) {
      SCOPED_TRACE(id.value);
      check(id, model);
    }
  }

  std::unique_ptr<os::MemoryFiles> files_;
  os::ManualClock clock_{5000};
  os::SeededRandom salts_{7};
  std::mt19937_64 random_;
  std::map<PartitionId, Model> models_;
  uint64_t serial_ = 0;
  bool beside_ = false;  // rounds of two partitions are written by two threads
  std::unique_ptr<DiskLog> log_;
};

uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST_F(LogLives, every_failing_call_and_a_power_cut_after_it) {
  const uint64_t seed = number_from("MEKONG_LOG_SEED", 1);
  bool reached = true;
  for (uint64_t step = 1; reached && !HasFailure(); ++step) {
    begin(seed);
    ASSERT_TRUE(open().ok());
    const uint64_t fail_at = files_->changes() + step;
    files_->fail_at(fail_at, step % 2 == 0 ? "ENOSPC" : "EIO", step % 3 == 0);
    live(40);
    reached = files_->changes() >= fail_at;
    if (step % 4 != 0) files_->power_cut(seed + step);
    log_.reset();
    recover_and_check("step " + std::to_string(step));
    live(20);
    recover_and_check("step " + std::to_string(step) + ", again");
  }
}

TEST_F(LogLives, random_lives_with_failures_and_power_cuts) {
  const uint64_t first = number_from("MEKONG_LOG_SEED", std::random_device{}());
  const uint64_t lives = number_from("MEKONG_LOG_LIVES", 30);
  for (uint64_t seed = first; seed < first + lives && !HasFailure(); ++seed) {
    begin(seed);
    beside_ = seed % 2 == 1;
    const std::string name = "MEKONG_LOG_SEED=" + std::to_string(seed) + " life ";
    for (int life = 0; life < 6 && !HasFailure(); ++life) {
      recover_and_check(name + std::to_string(life));
      const auto fate = random_() % 4;
      if (fate < 2) {
        files_->fail_at(files_->changes() + 1 + random_() % 200, fate == 0 ? "EIO" : "ENOSPC", random_() % 2);
      }
      live(static_cast<int>(random_() % 60));
      if (fate != 3) files_->power_cut(random_());
      log_.reset();
    }
  }
}

}  // namespace
}  // namespace mekong::log
