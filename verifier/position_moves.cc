// The part of PositionCheck that gives up a slot which stays half moved.

#include "sync/cluster/slot.h"
#include "verifier/position_check.h"

namespace lockstep::verifier {

int PositionCheck::give_up_slot(Slot slot, const std::string& why) {
  std::erase_if(pending_, [&](const Pending& pending) {
    if (cluster::slot_of(pending.key.key) != slot) return false;
    log_.add(Unverifiable{pending.key.db, pending.key.key, why});
    return true;
  });
  return 0;
}

}  // namespace lockstep::verifier
