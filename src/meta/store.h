// meta: ordered key-value with atomic, durable batches: what every name, record and small object is kept in.
// One column family a user ("s3", "glue", "iam", "blob" …). Keys compare bytewise. Reads may touch the disk:
// pool threads. Shaped so that a PostgreSQL-wire store can stand behind it: no iterator is held across calls,
// no lock is handed out; concurrent writers meet in `expect` conditions checked inside the commit. What must
// be read in several calls as of one moment is read from a snapshot; who keeps something in memory that was
// made of what is stored hears of changes by a watch.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace mekong::meta {

class Batch {
 public:
  Batch& put(std::string_view family, std::string key, std::string value);
  Batch& remove(std::string_view family, std::string key);
  // Conditions: all must hold at commit, or nothing is written and commit fails with "ConditionFailed".
  Batch& expect_absent(std::string_view family, std::string key);
  Batch& expect_value(std::string_view family, std::string key, std::string value);
  // A counter (decimal text): adds `delta` at commit, so concurrent batches never lose one another's change.
  // A counter that comes to 0 is removed and, where `zero_key` is not empty, (zero_key, zero_value) is put in
  // its place. must_exist: a condition, the counter is there (above 0). Below 0 fails with "ConditionFailed".
  struct Count {
    std::string family, key;
    int64_t delta = 0;
    bool must_exist = false;
    std::string zero_key = {}, zero_value = {};
  };
  Batch& count(Count count);

  struct Write {
    std::string family, key;
    std::optional<std::string> value;  // none: remove
  };
  struct Condition {
    std::string family, key;
    std::optional<std::string> value;  // none: absent
  };
  const std::vector<Write>& writes() const { return writes_; }
  const std::vector<Condition>& conditions() const { return conditions_; }
  const std::vector<Count>& counts() const { return counts_; }

 private:
  std::vector<Write> writes_;
  std::vector<Condition> conditions_;
  std::vector<Count> counts_;
};

struct KeyValue {
  std::string key, value;
};

// Keys in [begin, end), end empty: to the end of the family. `after` (exclusive) continues a page.
struct ScanRange {
  std::string begin, end;
  std::optional<std::string> after;
  size_t limit = 1000;
  bool reverse = false;
};

// All keys that begin with `prefix`.
ScanRange prefix_range(std::string_view prefix, size_t limit = 1000);

class Reader {
 public:
  virtual ~Reader() = default;
  virtual Result<std::optional<std::string>> get(std::string_view family, std::string_view key) const = 0;
  virtual Result<std::vector<KeyValue>> scan(std::string_view family, const ScanRange& range) const = 0;
};

// What a commit left of a key.
struct Change {
  std::string key;
  std::optional<std::string> value;  // none: it is gone
};

// Its end is the watch's: from then on no call is made, and none goes on. Ends before the store.
class Watch {
 public:
  virtual ~Watch() = default;
};

class Store : public Reader {
 public:
  // Applies the batch and makes it durable; batches that wait share one sync. Order: in the order of calls.
  // Errors: "ConditionFailed"; "InsufficientStorage", nothing was written for the disk is full (small
  // removals are taken for longer than all else); "StorageFailed", after which every later commit fails too
  // (the process stops); whether the failed batch itself is there after a restart is unknown: remove nothing
  // that it may name.
  virtual Future<Status> commit(Batch batch) = 0;
  // The store as of one moment during the call: all that was acknowledged before, of each batch all or
  // nothing. It keeps what is overwritten meanwhile: for a request, not for long. Ends before the store.
  virtual std::unique_ptr<const Reader> snapshot() const = 0;
  // Calls `seen` for each commit that is begun after this call and changes keys of `family` that start with
  // `prefix`: with these changes, one commit's at a time, in the order of commits; once the commit is durable
  // and readable, before whoever made it hears of it. A thread of the store's makes the call and commits
  // nothing meanwhile: `seen` is short, and neither waits for a commit nor begins or ends a watch.
  virtual std::unique_ptr<Watch> watch(std::string family, std::string prefix,
                                       std::function<void(std::span<const Change>)> seen) = 0;
  // The store as of one moment during the call, as a folder that can be opened: all that was committed before
  // the call, nothing that is committed after it. Files that do not change any more are linked. `folder` is
  // new. Error: "NotImplemented" of a store without folder.
  virtual Status checkpoint(const std::string& folder) {
    return Error{"NotImplemented", "a store without folder has no checkpoint at " + folder};
  }
};

enum class Durability { sync, os };  // os: survives kill -9, not power loss

// Families are fixed at opening; those a folder has beside them are kept. Fails with "InUse" when another
// process holds the folder, "NewerFormat" when a newer version wrote it, "StorageFailed" otherwise (a torn
// last record is cut, a damaged one before good ones is reported). A family not named here: "UnknownFamily".
Result<std::unique_ptr<Store>> open_rocksdb(const std::string& folder, std::vector<std::string> families,
                                            Durability durability);
// The twin: same behaviour, in memory; every family exists.
std::unique_ptr<Store> make_memory_store();

}  // namespace mekong::meta
