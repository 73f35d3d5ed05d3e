// The part of PositionCheck that deals with slots which are half moved.

#include <algorithm>

#include "sync/cluster/slot.h"
#include "verifier/position_check.h"

namespace lockstep::verifier {

void PositionCheck::put_off_slot(Slot slot, const std::string& why) {
  const auto since = half_moved_.try_emplace(slot.value, Clock::now()).first->second;
  if (Clock::now() - since >= options_.settle) {
    give_up_slot(slot, why);
    return;
  }
  std::stable_partition(pending_.begin(), pending_.end(), [slot](const Pending& pending) {
    return cluster::slot_of(pending.key.key) != slot;
  });
}

void PositionCheck::give_up_slot(Slot slot, const std::string& why) {
  std::erase_if(pending_, [&](const Pending& pending) {
    if (cluster::slot_of(pending.key.key) != slot) return false;
    if (!told_before(pending.key)) log_.add(Unverifiable{pending.key.db, pending.key.key, why});
    return true;
  });
}

}  // namespace lockstep::verifier
