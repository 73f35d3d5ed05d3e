// The part of StreamPlanner that deals with what the target does not know, or cannot hold.

#include <algorithm>
#include <cstring>

#include "sync/engine/stream_planner.h"
#include "sync/rdb/dump_payload.h"

namespace lockstep::engine {

namespace {

/// These let no stream be anything else, nor remove it.
bool keeps_stream(Bytes command) {
  return command.starts_with('x') || command.ends_with("expire") || command.ends_with("expireat") ||
         command == "persist";
}

}  // namespace

/// The target takes this payload of DUMP or FUNCTION DUMP, by its footer.
bool StreamPlanner::loads(Bytes payload) const {
  const rdb::LoadableVersions& loadable = target_.abilities().loadable;
  if (payload.size() < rdb::dump_footer_bytes) return true;  // the target says what it is
  uint16_t version = 0;
  std::memcpy(&version, payload.data() + payload.size() - rdb::dump_footer_bytes, sizeof version);
  return version < loadable.size() && loadable.test(version);
}

/// The target takes the request, as it is or rewritten.
bool StreamPlanner::fits(const Request& request) {
  constexpr size_t payload = 3;
  if (request.spec->expiry == commands::Expiry::restore && request.args.size() > payload &&
      !loads(request.args[payload]))
    return false;
  fit_ = commands::adapt(dialect_, *request.spec, request.args, adapted_);
  return fit_ != commands::Fit::fence;
}

void StreamPlanner::plan_unknown(const Request& request) {
  ++counters_.unknown;
  const auto other = commands::other_database(*request.spec, request.args);
  other ? fence_both_databases(request, *other) : fence_written(request);
}

bool StreamPlanner::touches_unsupported(const Request& request) const {
  if (!db_there()) return true;
  return !unsupported_.empty() &&
         std::any_of(keys_.begin(), keys_.end(), [&](const commands::KeyRef& key) {
           return unsupported_.contains(db_, request.args[key.argument]);
         });
}

/// What the command writes is read again, together with all that comes until then: it may be
/// something that the target can hold by now. Not for each command on a stream, which stays one.
void StreamPlanner::plan_unsupported(const Request& request) {
  ++counters_.left_out;
  const auto other = commands::other_database(*request.spec, request.args);
  if (!db_there()) return other ? fence_both_databases(request, *other) : fence_written(request);
  const bool stay = std::all_of(keys_.begin(), keys_.end(), [&](const commands::KeyRef& key) {
    return unsupported_.is_stream(db_, request.args[key.argument]);
  });
  if (stay && keeps_stream(request.spec->name)) return;
  other ? fence_both_databases(request, *other) : fence_written(request);
}

}  // namespace lockstep::engine
