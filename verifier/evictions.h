#pragma once

#include <vector>

#include "verifier/side.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// Counts a difference that evictions may explain at the first of its nodes that has evicted more
/// keys than have been explained there; where there is none it is not explained. Others are left
/// alone.
void count_eviction(Difference& difference, std::vector<NodeEvictions>& evictions);

/// As last asked, of nodes that have evicted any.
std::vector<NodeEvictions> evictions_of(const Side& side);

/// What each node has evicted, from several looks at the same nodes: the most of them. Nothing is
/// explained yet.
void add_evictions(std::vector<NodeEvictions>& all, const std::vector<NodeEvictions>& look);

}  // namespace lockstep::verifier
