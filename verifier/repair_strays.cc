// The part of Repairer that removes copies of keys from nodes that do not own their slots. An
// engine writes to the owners, so that nothing can cross this.

#include <fmt/format.h>

#include <algorithm>

#include "sync/cluster/slot.h"
#include "verifier/repairer.h"
#include "verifier/stray_access.h"

namespace lockstep::verifier {

asio::awaitable<void> Repairer::mend_strays() {
  if (strays_.empty()) co_return;
  const std::vector<Slot> moving = co_await target_.moving_slots();
  while (!strays_.empty()) {  // what is done is not done again
    const std::string& key = *strays_.begin();
    const Slot slot = cluster::slot_of(key);
    std::string why;
    if (std::binary_search(moving.begin(), moving.end(), slot)) {
      why = fmt::format(
          "its slot {} is on the move: finish that (redis-cli --cluster fix), or "
          "cancel it (CLUSTER SETSLOT {} STABLE at the nodes that show it)",
          slot.value, slot.value);
    } else {
      why = co_await mend_stray(key);
    }
    if (!why.empty()) leave(key, why);
    strays_.erase(strays_.begin());
  }
}

asio::awaitable<std::string> Repairer::mend_stray(std::string key) {
  const std::vector<size_t> nodes = co_await stray_nodes(target_, key);
  std::string why;
  try {
    for (const size_t node : nodes) {
      if (!repair_.dry_run) co_await remove_stray(node, key);
      ++report_.removed;
    }
  } catch (const UserError& error) {
    why = error.what();
  }
  if (!why.empty() || !nodes.empty()) co_return why;
  const std::vector<size_t> others = co_await stray_nodes(source_, key);
  if (others.empty()) {
    ++report_.agreed;
    co_return "";
  }
  co_return fmt::format(
      "a node of the source has it that does not own its slot, {}: a repair writes to no source; "
      "by hand, at that node: CLUSTER SETSLOT {} IMPORTING <the owner's id>, ASKING, UNLINK of "
      "the key, CLUSTER SETSLOT {} STABLE",
      source_.node(others.front()).endpoint.label(), cluster::slot_of(key).value,
      cluster::slot_of(key).value);
}

asio::awaitable<std::vector<size_t>> Repairer::stray_nodes(Side& side, std::string key) {
  std::vector<size_t> nodes;
  if (!side.clustered()) co_return nodes;
  const Slot slot = cluster::slot_of(key);
  for (size_t node = 0; node < side.node_count(); ++node) {
    if (node == side.owner(slot)) continue;
    const std::set<std::string> names = co_await names_in_slot(side.node(node), slot);
    if (names.contains(key)) nodes.push_back(node);
  }
  co_return nodes;
}

asio::awaitable<void> Repairer::remove_stray(size_t node, std::string key) {
  const fence::FencedKey copy = co_await read_stray(target_, node, key);
  open_journal();
  journal_->add({.db = DbIndex{0},
                 .key = key,
                 .diff_class = DiffClass::misplaced,
                 .old_payload = copy.dump_payload,
                 .old_expire_at = copy.expire_at,
                 .written = {},
                 .node = target_.node(node).endpoint.label()});
  journal_->sync();
  fence::FencedKey gone{std::move(key), std::nullopt, std::nullopt, {}};
  co_await write_stray(target_, node, std::move(gone));
}

}  // namespace lockstep::verifier
