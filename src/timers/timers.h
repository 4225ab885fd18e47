// timers: what shall happen later, kept in meta and fired in the order of time, on the service clock.
//
// A service keeps a timer with the state that wants it, in one batch: both are there or neither. When the
// timer is due its owner's handler adds what it changes to a batch that also removes the timer, so the change
// is made once, whatever dies in between; a handler may be called again for a change that was not committed.
// Timers fire one after the other by (due time, order of scheduling); one that fails is tried again later,
// the others go on. What was due while the server was down fires after its start. A million pending cost no
// memory.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/logging.h"
#include "base/result.h"
#include "meta/store.h"
#include "os/clock.h"

namespace mekong::timers {

inline constexpr const char* meta_family = "timers";

struct Timer {
  std::string owner;   // who handles it: a service's name
  std::string id;      // the owner's name for it, any bytes; scheduling it again replaces it
  int64_t due_ms = 0;  // on the service clock
  std::string payload;
};

// One atomic change: writes of the caller's own and timers. Commit it with Timers::commit.
class Change {
 public:
  meta::Batch batch;
  void schedule(Timer timer) { entries_.push_back({std::move(timer), true}); }
  void cancel(std::string owner, std::string id) {
    entries_.push_back({{.owner = std::move(owner), .id = std::move(id), .payload = {}}, false});
  }
  // Called once all is durable, in order, on the thread that committed; must not block for long.
  void after(std::function<void()> work) { after_.push_back(std::move(work)); }

 private:
  friend class Timers;
  struct Entry {
    Timer timer;
    bool keep = false;
  };
  std::vector<Entry> entries_;
  std::vector<std::function<void()>> after_;
};

// Adds to `change` what the timer's moment changes. Reads of meta may block; work that lasts goes elsewhere,
// by Change::after. Handlers of different timers may run before the former's change is applied: each touches
// state of its own, or names what it read with Batch::expect_value (a refused batch is handled anew).
using Handler = std::function<Status(const Timer& timer, Change& change)>;

class Timers {
 public:
  // `meta` has the family `meta_family`. Nothing fires before start(). Errors: those of meta.
  static Result<std::unique_ptr<Timers>> open(meta::Store& meta, const os::Clock& clock, Logger& logger);
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  void handle(std::string owner, Handler handler);  // before start(); handlers outlive stop()
  void start();
  void stop();  // waits for the handler that runs
  bool stopping() const;
  // The clock was moved by hand. Any thread.
  void wake();

  // Any pool thread; waits for the disk. Errors: those of meta's commit.
  Status commit(Change change);
  Result<std::optional<Timer>> find(std::string_view owner, std::string_view id) const;
  // When the earliest of those that can fire is due; none: nothing is pending. Pool threads.
  Result<std::optional<int64_t>> next_due_ms() const;
  // How many are due and not fired yet, counted up to 1000. Pool threads.
  Result<int64_t> owed() const;
  // Fires all that is due at the clock's present moment, on this thread; what fails or finds the disk full is
  // tried again later. Errors: those of meta.
  Status fire_due();

 private:
  struct Due {
    std::string key;  // in meta
    std::string owner, id;
    int64_t due_ms = 0;
  };
  struct Fired {
    Due due;
    Future<Status> committed;
    std::vector<std::function<void()>> after;
  };
  struct Failure {
    int64_t retry_at_ns = 0;
    int64_t wait_ms = 0;
    int conflicts = 0;
  };

  class Writing;

  Timers(meta::Store& meta, const os::Clock& clock, Logger& logger);
  void run();
  // The first entries by time before `until_ms`; raises floor_ to the first of all.
  Result<std::vector<meta::KeyValue>> first_rows(int64_t until_ms, size_t limit) const;
  Result<std::vector<Due>> due_page(int64_t until_ms, size_t limit) const;
  Status fire_page(const std::vector<Due>& page);
  // Whether an entry fired may have put another before the page's rest. What fails otherwise than by meta's
  // fault waits for its retry.
  Result<bool> fire_one(const Due& due, std::vector<Fired>& fired);
  Status finish(std::vector<Fired>& fired);
  void failed(const Due& due, const Error& error);
  // Of those replaced or cancelled before they were tried again.
  Status forget_failures();
  bool waits_for_retry(const std::string& key) const;
  Status write_entries(const Change& change, meta::Batch& batch);
  Result<uint64_t> next_sequence();
  void note_pending(const std::vector<Change::Entry>& entries);

  meta::Store& meta_;
  const os::Clock& clock_;
  Logger& logger_;
  std::map<std::string, Handler> handlers_;

  std::mutex sequence_mutex_;
  uint64_t sequence_ = 0, sequence_end_ = 0;  // [sequence_, sequence_end_) is reserved in meta

  std::mutex firing_;  // one fires at a time
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  uint64_t changes_ = 0;  // commits that scheduled something, and moves of the clock
  bool stopping_ = false;
  std::map<std::string, Failure> failures_;  // by key in meta
  // No entry by time lies before it. A search that began at the front would walk over the remains of all that
  // has fired since RocksDB last compacted.
  mutable std::string floor_;
  int writers_ = 0;      // who may have entries that a search does not see yet
  uint64_t writes_ = 0;  // of those that ever were
  std::thread thread_;
};

}  // namespace mekong::timers
