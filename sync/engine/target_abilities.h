#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "sync/base/units.h"
#include "sync/commands/dialect.h"
#include "sync/net/client.h"
#include "sync/rdb/loadable_form.h"

namespace lockstep::engine {

/// What a target server can do, as it has shown: COMMAND, and requests that change nothing.
struct TargetAbilities {
  commands::Dialect dialect = commands::Dialect::newest();
  rdb::LoadableVersions loadable;  ///< payloads that RESTORE takes
  uint32_t databases = 1;
  bool modules = false;  ///< has any that may hold values

  bool streams() const { return dialect.knows("xadd"); }
  bool functions() const { return dialect.knows("function load"); }
  bool field_expiry() const { return dialect.knows("hpexpireat"); }
};

/// Asks one server. `key` is the name of a key that it would own and that does not exist: nothing
/// is written to it. What the server does not let us ask counts as something it cannot do, but for
/// the list of commands: without that all are tried. Throws what net::Client throws.
net::asio::awaitable<TargetAbilities> probe_abilities(net::Client& client, std::string key);

/// A reply to MODULE LIST names a module that may hold values: not only a scripting engine.
bool has_value_modules(const resp::Value& list);

/// What both can do, for nodes of one deployment that are not all of one version.
TargetAbilities common_abilities(const TargetAbilities& a, const TargetAbilities& b);

/// A name for the key that probe_abilities() needs, in the slot of one that the server owns.
std::string probe_key(Slot slot);

}  // namespace lockstep::engine
