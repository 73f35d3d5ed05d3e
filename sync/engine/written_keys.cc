#include "sync/engine/written_keys.h"

#include <functional>

#include "sync/base/error.h"
#include "sync/commands/commands.h"
#include "sync/resp/parser.h"

namespace lockstep::engine {

namespace {

using Args = std::vector<Bytes>;

void each_command(Bytes requests,
                  const std::function<void(const commands::Spec&, const Args&)>& visit) {
  resp::CommandParser parser;
  while (!requests.empty()) {
    const auto length = parser.parse(requests);
    LOCKSTEP_ASSERT(length.has_value());  // we wrote them
    const commands::Spec* spec = commands::find(parser.args());
    if (spec) visit(*spec, parser.args());
    requests.remove_prefix(*length);
  }
}

void add_keys(WrittenKeys& written, DbIndex db, const commands::Spec& spec, const Args& args) {
  std::vector<commands::KeyRef> keys;
  if (!commands::find_keys(spec, args, keys) || (spec.write && keys.empty())) {
    written.unknown = spec.name;
    return;
  }
  const auto other = commands::other_database(spec, args);
  for (const commands::KeyRef& key : keys) {
    if (!key.written) continue;
    written.keys.emplace(db, args[key.argument]);
    if (other) written.keys.emplace(*other, args[key.argument]);
  }
}

}  // namespace

WrittenKeys written_keys(Bytes requests, DbIndex db) {
  WrittenKeys written;
  each_command(requests, [&](const commands::Spec& spec, const Args& args) {
    if (spec.scope == commands::Scope::select)
      db.value = static_cast<uint32_t>(std::stoul(std::string(args[1])));
    if (spec.scope == commands::Scope::keys) add_keys(written, db, spec, args);
  });
  return written;
}

bool joins_keys(Bytes requests) {
  bool joins = false;
  std::vector<commands::KeyRef> keys;
  each_command(requests, [&](const commands::Spec& spec, const Args& args) {
    if (spec.scope != commands::Scope::keys || spec.split != commands::Split::none) return;
    const bool several = !commands::find_keys(spec, args, keys) || keys.size() > 1;
    joins = joins || several || commands::other_database(spec, args).has_value();
  });
  return joins;
}

}  // namespace lockstep::engine
