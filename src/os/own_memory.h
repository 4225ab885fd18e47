// What this process does with its own memory when things go wrong.
#pragma once

namespace mekong::os {

// An allocation that finds no memory ends the process, with a line on stderr and exit code 70: state that
// lies half changed in memory is not gone on with, and what was acknowledged is on disk.
void end_when_out_of_memory();

}  // namespace mekong::os
