#include "verifier/evictions.h"

#include <algorithm>

namespace lockstep::verifier {

namespace {

auto find(std::vector<NodeEvictions>& evictions, const std::string& node) {
  return std::find_if(evictions.begin(), evictions.end(),
                      [&](const NodeEvictions& each) { return each.node == node; });
}

}  // namespace

std::vector<NodeEvictions> evictions_of(const Side& side) {
  std::vector<NodeEvictions> result;
  for (size_t i = 0; i < side.node_count(); ++i) {
    const Node& node = side.node(i);
    if (node.evicted_keys > 0) result.push_back({node.endpoint.label(), node.evicted_keys, 0});
  }
  return result;
}

void count_eviction(Difference& difference, std::vector<NodeEvictions>& evictions) {
  if (difference.explained != Explained::evicted) return;
  for (const std::string& node : difference.evicted_by) {
    const auto at = find(evictions, node);
    if (at == evictions.end() || at->explained >= at->evicted) continue;
    ++at->explained;
    difference.evicted_by = {at->node};
    return;
  }
  difference.explained = Explained::no;
  difference.evicted_by.clear();
}

void add_evictions(std::vector<NodeEvictions>& all, const std::vector<NodeEvictions>& look) {
  for (const NodeEvictions& each : look) {
    const auto at = find(all, each.node);
    if (at == all.end()) {
      all.push_back({each.node, each.evicted, 0});
    } else {
      at->evicted = std::max(at->evicted, each.evicted);
    }
  }
}

}  // namespace lockstep::verifier
