// The part of Pass that makes up for keys that went from node to node while it read.

#include "sync/base/error.h"
#include "verifier/pass.h"

namespace lockstep::verifier {

/// A key may have been at neither node of a slot when that node was read: at its old one too late,
/// at its new one too early. If the slot has changed hands all is read anew; if it is still on the
/// move, its keys are read again by their names.
asio::awaitable<void> Pass::account_for_moves() {
  for (Side* side : {&source_, &target_}) {
    const std::vector<Slot> moving = co_await side->moving_slots();
    for (const Slot slot : moving) {
      if (!scope_.slots() || scope_.slots()->test(slot.value)) co_await add_slot(*side, slot);
    }
  }
}

/// First the node that gives keys away: what has left it by then is at another one.
asio::awaitable<void> Pass::add_slot(Side& side, Slot slot) {
  const size_t owner = side.owner(slot);
  co_await add_names(side, owner, slot);
  for (size_t node = 0; node < side.node_count(); ++node) {
    if (node != owner) co_await add_names(side, node, slot);
  }
}

asio::awaitable<void> Pass::add_names(Side& side, size_t node, Slot slot) {
  net::Client& client = *side.node(node).client;
  std::vector<std::string> count{"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot.value)};
  const resp::Value counted = co_await client.command_or_throw(std::move(count));
  std::vector<std::string> request{"CLUSTER", "GETKEYSINSLOT", std::to_string(slot.value),
                                   std::to_string(counted.integer + 1)};
  const resp::Value names = co_await client.command_or_throw(std::move(request));
  for (const resp::Value& name : names.items) {
    if (scope_.take(DbIndex{0}, name.text) == Take::yes)
      matcher_.add_unread(side, side.owner(slot), DbIndex{0}, name.text);
  }
}

}  // namespace lockstep::verifier
