#pragma once

#include <map>
#include <string>
#include <vector>

namespace lockstep::scenarios {

/// Lists by key, as read from one side.
using Lists = std::map<std::string, std::vector<std::string>>;

/// What is wrong with the target's lists of unique elements.
struct ListFindings {
  std::vector<std::string> lost;       ///< in the source, nowhere in the target
  std::vector<std::string> doubled;    ///< more than once in the target
  std::vector<std::string> invented;   ///< in the target, nowhere in the source
  std::vector<std::string> misplaced;  ///< keys whose lists differ, or that only one side has
  bool empty() const {
    return lost.empty() && doubled.empty() && invented.empty() && misplaced.empty();
  }
};

/// Compares lists in which every element was pushed once by a workload that copies none. An element
/// that stands twice in the source is no finding (a client that pushed again after a timeout).
ListFindings check_lists(const Lists& source, const Lists& target);
/// Takes away the lists that the source no longer had, or not so, `after` the target was read: they
/// have expired meanwhile.
void drop_unsettled(Lists& source, Lists& target, const Lists& after);

}  // namespace lockstep::scenarios
