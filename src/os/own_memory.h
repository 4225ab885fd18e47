// What this process does with its own memory.
#pragma once

namespace mekong::os {

// An allocation that finds no memory ends the process, with a line on stderr and exit code 70: state that
// lies half changed in memory is not gone on with, and what was acknowledged is on disk.
void end_when_out_of_memory();

// Freed memory is kept for what comes next, within bounds: at most four arenas, each with up to 8 MiB at its
// end; allocations of 4 MiB and more go back to the system at once. Before any thread is started. Without it
// glibc gives the end of an arena back after each reply of a megabyte, and the next one finds all of its
// pages new: half of what consuming cost (docs/decisions/0120).
void keep_freed_memory();

}  // namespace mekong::os
