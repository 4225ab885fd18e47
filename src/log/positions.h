// `positions` in the log's folder: up to where the newest segment of each partition in use is whole. Written
// when the journal turns (what a file of it says is forgotten then) and at a clean end, so that a damaged
// byte is told from a torn tail in partitions, too, that the journal says nothing of any more. Without the
// file nothing is lost but that.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "os/files.h"

namespace mekong::log {

struct Position {
  int64_t segment = -1;  // its base offset; all before it is whole
  uint64_t bytes = 0;    // of it
};
using Positions = std::map<std::string, Position>;  // by partition

std::string positions_path(const std::string& folder);
// None where there is no file. Error: KAFKA_STORAGE_ERROR, it is damaged.
Result<Positions> load_positions(os::Files& files, const std::string& folder);
Status save_positions(os::Files& files, const std::string& folder, const Positions& positions);

}  // namespace mekong::log
