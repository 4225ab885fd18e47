// Descriptors to hand to child processes. The caller closes what it gets.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace mekong::os {

// A sealed memory file that holds `bytes`: it can be read and nothing else, by whoever gets it.
Result<int> make_sealed_descriptor(std::string_view bytes);
// A second descriptor of the same open file, closed on exec.
Result<int> duplicate_descriptor(int descriptor);
// As many open descriptors as the system lets this process have: connections and files need them.
void raise_descriptor_limit();

// A folder. Who gets it reaches what lies in it by /proc/self/fd/<number>/, though not by the folder's own
// path.
Result<int> open_folder_descriptor(const std::string& path);

}  // namespace mekong::os
