#include "scenarios/list_check.h"

namespace lockstep::scenarios {

namespace {

std::map<std::string, size_t> count_elements(const Lists& lists) {
  std::map<std::string, size_t> counts;
  for (const auto& [key, elements] : lists) {
    for (const auto& element : elements) ++counts[element];
  }
  return counts;
}

size_t count_of(const std::map<std::string, size_t>& counts, const std::string& element) {
  const auto found = counts.find(element);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

ListFindings check_lists(const Lists& source, const Lists& target) {
  ListFindings findings;
  const auto expected = count_elements(source);
  const auto found = count_elements(target);
  for (const auto& [element, count] : expected) {
    if (count_of(found, element) < count) findings.lost.push_back(element);
  }
  for (const auto& [element, count] : found) {
    const size_t wanted = count_of(expected, element);
    if (wanted == 0) findings.invented.push_back(element);
    if (wanted < count && count > 1) findings.doubled.push_back(element);
  }
  for (const auto& [key, elements] : source) {
    const auto other = target.find(key);
    if (other == target.end() || other->second != elements) findings.misplaced.push_back(key);
  }
  for (const auto& [key, elements] : target) {
    if (!source.count(key)) findings.misplaced.push_back(key);
  }
  return findings;
}

void drop_unsettled(Lists& source, Lists& target, const Lists& after) {
  std::erase_if(source, [&](const auto& list) {
    const auto still = after.find(list.first);
    if (still != after.end() && still->second == list.second) return false;
    target.erase(list.first);
    return true;
  });
}

}  // namespace lockstep::scenarios
