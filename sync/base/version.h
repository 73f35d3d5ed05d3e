#pragma once

#include <string>

namespace lockstep {

/// Of this program: "0.1.0+1a2b3c4d5e6f", the project's and, where it was built from a checkout,
/// the source's revision; "-dirty" behind it if that had changes.
std::string version();

}  // namespace lockstep
