#pragma once

#include <string>
#include <vector>

namespace lockstep {

/// The candidate with the smallest edit distance to `text`; empty if there are none. For "did you
/// mean".
std::string nearest(const std::string& text, const std::vector<std::string>& candidates);

}  // namespace lockstep
