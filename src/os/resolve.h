// Names to numeric addresses, by the system's resolver. Blocks: pool threads only.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace mekong::os {

// In the order to try; an address stands for itself. "AddressNotAvailable": no such name.
Result<std::vector<std::string>> resolve(const std::string& host);

}  // namespace mekong::os
