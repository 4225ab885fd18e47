#include "timers/timers.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "timers/keys.h"

namespace mekong::timers {
namespace {

constexpr size_t page_size = 256;
constexpr size_t in_flight = 128;             // commits that share syncs
constexpr uint64_t sequence_block = 1 << 20;  // reserved at once
constexpr int64_t look_every_ms = 1000;       // the wall clock may jump without a word
constexpr int64_t first_retry_ms = 100, last_retry_ms = 60'000;
constexpr int conflicts_at_once = 3;
constexpr size_t owed_limit = 1000;

// The same may go through another time.
bool may_pass(const Error& error) {
  return error.code == "ConditionFailed" || error.code == "InsufficientStorage";
}

}  // namespace

// From before entries are made until they are in meta: floor_ does not rise meanwhile.
class Timers::Writing {
 public:
  explicit Writing(Timers& timers) : timers_(timers) {
    const std::lock_guard lock(timers_.mutex_);
    ++timers_.writers_;
    ++timers_.writes_;
  }
  ~Writing() {
    const std::lock_guard lock(timers_.mutex_);
    --timers_.writers_;
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

 private:
  Timers& timers_;
};

Timers::Timers(meta::Store& meta, const os::Clock& clock, Logger& logger)
    : meta_(meta), clock_(clock), logger_(logger), floor_(due_key(0, 0)) {}

Timers::~Timers() {
  stop();
}

Result<std::unique_ptr<Timers>> Timers::open(meta::Store& meta, const os::Clock& clock, Logger& logger) {
  std::unique_ptr<Timers> timers(new Timers(meta, clock, logger));
  MEKONG_TRY_ASSIGN(const auto reserved, meta.get(meta_family, sequence_key));
  if (reserved) {
    std::from_chars(reserved->data(), reserved->data() + reserved->size(), timers->sequence_);
    timers->sequence_end_ = timers->sequence_;
  }
  return timers;
}

void Timers::handle(std::string owner, Handler handler) {
  handlers_[std::move(owner)] = std::move(handler);
}

void Timers::start() {
  thread_ = std::thread([this] { run(); });
}

void Timers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Timers::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Timers::wake() {
  {
    const std::lock_guard lock(mutex_);
    ++changes_;
  }
  wake_.notify_all();
}

Result<uint64_t> Timers::next_sequence() {
  const std::lock_guard lock(sequence_mutex_);
  if (sequence_ == sequence_end_) {
    meta::Batch batch;
    batch.put(meta_family, sequence_key, std::to_string(sequence_end_ + sequence_block));
    MEKONG_TRY(meta_.commit(std::move(batch)).get());
    sequence_end_ += sequence_block;
  }
  return sequence_++;
}

// The entries by time that a replaced timer leaves behind are removed here; where two changes of one timer
// meet, the loser's stays and is dropped when its time comes, since the record names the winner's.
Status Timers::write_entries(const Change& change, meta::Batch& batch) {
  for (const auto& [timer, keep] : change.entries_) {
    const std::string record_key = key_of(timer.owner, timer.id);
    MEKONG_TRY_ASSIGN(const auto old, meta_.get(meta_family, record_key));
    if (old) {
      MEKONG_TRY_ASSIGN(const Record record, decode(*old));
      batch.remove(meta_family, due_key(record.due_ms, record.sequence));
    }
    if (!keep) {
      batch.remove(meta_family, record_key);
      continue;
    }
    Record record{.due_ms = std::max<int64_t>(timer.due_ms, 0), .payload = timer.payload};
    MEKONG_TRY_ASSIGN(record.sequence, next_sequence());
    auto entry_key = due_key(record.due_ms, record.sequence);
    {
      const std::lock_guard lock(mutex_);
      floor_ = std::min(floor_, entry_key);
    }
    batch.put(meta_family, std::move(entry_key), record_key);
    batch.put(meta_family, record_key, encode(record));
  }
  return ok();
}

void Timers::note_pending(const std::vector<Change::Entry>& entries) {
  if (std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.keep; })) wake();
}

Status Timers::commit(Change change) {
  const Writing writing(*this);
  MEKONG_TRY(write_entries(change, change.batch));
  MEKONG_TRY(meta_.commit(std::move(change.batch)).get());
  note_pending(change.entries_);
  for (const auto& work : change.after_) work();
  return ok();
}

Result<std::optional<Timer>> Timers::find(std::string_view owner, std::string_view id) const {
  MEKONG_TRY_ASSIGN(const auto value, meta_.get(meta_family, key_of(owner, id)));
  if (!value) return std::optional<Timer>();
  MEKONG_TRY_ASSIGN(Record record, decode(*value));
  return std::optional(Timer{std::string(owner), std::string(id), record.due_ms, std::move(record.payload)});
}

bool Timers::waits_for_retry(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(key);
  return found != failures_.end() && found->second.retry_at_ns > clock_.monotonic_ns();
}

Result<std::vector<meta::KeyValue>> Timers::first_rows(int64_t until_ms, size_t limit) const {
  meta::ScanRange range{.begin = {}, .end = due_key(until_ms, 0), .after = {}, .limit = limit};
  bool all_seen = false;
  uint64_t writes = 0;
  {
    const std::lock_guard lock(mutex_);
    range.begin = floor_;
    all_seen = writers_ == 0;
    writes = writes_;
  }
  if (range.begin >= range.end) return std::vector<meta::KeyValue>();
  MEKONG_TRY_ASSIGN(auto rows, meta_.scan(meta_family, range));
  const std::lock_guard lock(mutex_);
  if (all_seen && writes == writes_ && !rows.empty()) floor_ = rows.front().key;
  return rows;
}

Result<std::vector<Timers::Due>> Timers::due_page(int64_t until_ms, size_t limit) const {
  MEKONG_TRY_ASSIGN(auto rows, first_rows(until_ms, limit));
  std::vector<Due> out;
  while (true) {
    for (auto& [key, value] : rows) {
      if (waits_for_retry(key)) continue;
      auto [owner, id] = owner_and_id(value);
      const int64_t due_ms = due_of(key);
      out.push_back({std::move(key), std::move(owner), std::move(id), due_ms});
    }
    if (!out.empty() || rows.size() < limit) return out;
    // The whole page waits for its retries.
    MEKONG_TRY_ASSIGN(
        rows,
        meta_.scan(meta_family,
                   {.begin = {}, .end = due_key(until_ms, 0), .after = rows.back().key, .limit = limit}));
  }
}

Result<std::optional<int64_t>> Timers::next_due_ms() const {
  MEKONG_TRY_ASSIGN(const auto page, due_page(INT64_MAX, 1));
  return page.empty() ? std::optional<int64_t>() : std::optional(page.front().due_ms);
}

Result<int64_t> Timers::owed() const {
  MEKONG_TRY_ASSIGN(const auto rows, first_rows(clock_.service_ms() + 1, owed_limit));
  return static_cast<int64_t>(rows.size());
}

void Timers::failed(const Due& due, const Error& error) {
  const std::lock_guard lock(mutex_);
  auto& failure = failures_[due.key];
  // A conflict means that somebody else's change went through: the handler may well succeed at once.
  if (error.code == "ConditionFailed" && ++failure.conflicts <= conflicts_at_once) return;
  failure.wait_ms = std::clamp(failure.wait_ms * 2, first_retry_ms, last_retry_ms);
  failure.retry_at_ns = clock_.monotonic_ns() + failure.wait_ms * 1'000'000;
  logger_.warn("timers", "a timer failed and will be tried again",
               {{"owner", due.owner}, {"id", due.id}, {"error", error.code + ": " + error.message}});
}

Result<bool> Timers::fire_one(const Due& due, std::vector<Fired>& fired) {
  const std::string record_key = key_of(due.owner, due.id);
  MEKONG_TRY_ASSIGN(const auto value, meta_.get(meta_family, record_key));
  Record record;
  if (value) {
    MEKONG_TRY_ASSIGN(record, decode(*value));
  }
  Change change;
  change.batch.remove(meta_family, due.key);
  if (!value || due_key(record.due_ms, record.sequence) != due.key) {  // replaced or cancelled meanwhile
    fired.push_back({due, meta_.commit(std::move(change.batch)), {}});
    return false;
  }
  change.batch.expect_value(meta_family, record_key, *value).remove(meta_family, record_key);
  const auto handler = handlers_.find(due.owner);
  const Timer timer{due.owner, due.id, due.due_ms, std::move(record.payload)};
  const Status handled = handler == handlers_.end()
                             ? Status(Error{"NoHandler", "nobody handles timers of this owner"})
                             : handler->second(timer, change);
  if (!handled.ok()) {
    failed(due, handled.error());
    return false;
  }
  const Status written = write_entries(change, change.batch);
  if (!written.ok() && !may_pass(written.error())) return written.error();
  if (!written.ok()) {
    failed(due, written.error());
    return false;
  }
  const int64_t now_ms = clock_.service_ms();
  const bool overtakes =
      std::any_of(change.entries_.begin(), change.entries_.end(),
                  [&](const Change::Entry& entry) { return entry.keep && entry.timer.due_ms <= now_ms; });
  fired.push_back({due, meta_.commit(std::move(change.batch)), std::move(change.after_)});
  return overtakes;
}

Status Timers::finish(std::vector<Fired>& fired) {
  for (auto& one : fired) {
    const Status committed = one.committed.get();
    if (!committed.ok() && !may_pass(committed.error())) return committed;
    if (!committed.ok()) {  // changed under the handler, or no room: handled anew
      failed(one.due, committed.error());
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      failures_.erase(one.due.key);
    }
    for (const auto& work : one.after) work();
  }
  fired.clear();
  return ok();
}

Status Timers::fire_page(const std::vector<Due>& page) {
  const Writing writing(*this);
  std::vector<Fired> fired;
  const auto changes = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_ ? UINT64_MAX : changes_;
  };
  const uint64_t before = changes();
  for (const auto& due : page) {
    if (changes() != before) break;  // something earlier may have come: look again
    MEKONG_TRY_ASSIGN(const bool overtakes, fire_one(due, fired));
    if (overtakes) break;
    if (fired.size() == in_flight) MEKONG_TRY(finish(fired));
  }
  return finish(fired);
}

Status Timers::fire_due() {
  const std::lock_guard one_at_a_time(firing_);
  while (true) {
    MEKONG_TRY_ASSIGN(const auto page, due_page(clock_.service_ms() + 1, page_size));
    if (page.empty()) return ok();
    if (stopping()) return ok();
    MEKONG_TRY(fire_page(page));
  }
}

Status Timers::forget_failures() {
  std::vector<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, failure] : failures_) {
      if (failure.retry_at_ns <= clock_.monotonic_ns()) keys.push_back(key);
    }
  }
  for (const auto& key : keys) {
    MEKONG_TRY_ASSIGN(const auto there, meta_.get(meta_family, key));
    if (there) continue;
    const std::lock_guard lock(mutex_);
    failures_.erase(key);
  }
  return ok();
}

void Timers::run() {
  std::unique_lock lock(mutex_);
  bool told = false;
  while (!stopping_) {
    const uint64_t seen = changes_;
    lock.unlock();
    Status fired = fire_due();
    if (fired.ok()) fired = forget_failures();
    auto next = next_due_ms();
    lock.lock();
    const bool well = fired.ok() && next.ok();
    if (!well && !std::exchange(told, true)) {  // where meta fails every later commit, the process ends
      const Error& error = fired.ok() ? next.error() : fired.error();
      logger_.error("timers", "timers do not fire", {{"error", error.code + ": " + error.message}});
    }
    told = told && !well;
    int64_t wait_ms = look_every_ms;
    if (well && *next) wait_ms = std::clamp<int64_t>(**next - clock_.service_ms(), 0, look_every_ms);
    for (const auto& [key, failure] : failures_) {
      if (!well) break;
      wait_ms =
          std::clamp<int64_t>((failure.retry_at_ns - clock_.monotonic_ns()) / 1'000'000 + 1, 0, wait_ms);
    }
    wake_.wait_for(lock, std::chrono::milliseconds(wait_ms), [&] { return stopping_ || changes_ != seen; });
  }
}

}  // namespace mekong::timers
