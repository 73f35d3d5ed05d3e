#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <vector>

#include "sync/base/error.h"
#include "verifier/compare.h"
#include "verifier/matcher.h"

namespace lockstep::verifier {

/// A slot that is half moved for longer than a key is on its way: its owner has a key no more, and
/// the other node is not asked, since it may have it or not.
class SlotOnTheMove : public ConnectionError {
 public:
  SlotOnTheMove(const Side& side, Slot slot);
  Slot slot() const { return slot_; }

 private:
  Slot slot_;
};
/// Of an error reply: the slot if the reply sends to the node that is getting the key.
std::optional<Slot> sent_on(Bytes error);

/// Reads keys of one side exactly, at the nodes that serve them, and follows a cluster whose slots
/// move or whose primaries change. Throws SlotOnTheMove, ConnectionError when a node stays away,
/// UserError when the user may not read.
asio::awaitable<std::vector<Reading>> read_keys(Side& side, std::vector<Candidate> keys);

/// A shell command that shows the key at its node. `what`: a type's name, or "expiry".
std::string show_command(const Side& side, const Reading& reading, const Candidate& key,
                         const std::string& what);

}  // namespace lockstep::verifier
