// The part of SnapshotLoader that sends values as commands: those that the target cannot load, and
// those that are too large for one payload.

#include <charconv>

#include "sync/base/error.h"
#include "sync/engine/clock.h"
#include "sync/engine/snapshot_loader.h"
#include "sync/rdb/dump_payload.h"
#include "sync/resp/parser.h"

namespace lockstep::engine {

namespace {

/// "RESTORE key ttl payload [REPLACE] [ABSTTL]", as we wrote it.
struct RestoreRequest {
  std::string key;
  int64_t ttl = 0;
  bool absolute = false;
  rdb::DumpView payload;
};

/// In front of the RESTORE there may be a DEL.
RestoreRequest parse_restore(Bytes requests) {
  resp::CommandParser parser;
  auto length = parser.parse(requests);
  LOCKSTEP_ASSERT(length.has_value());
  if (parser.args()[0] == "DEL") {
    requests.remove_prefix(*length);
    length = parser.parse(requests);
  }
  const auto& args = parser.args();
  LOCKSTEP_ASSERT(length.has_value() && args.size() >= 4 && args[0] == "RESTORE");
  RestoreRequest request;
  request.key = args[1];
  std::from_chars(args[2].data(), args[2].data() + args[2].size(), request.ttl);
  for (size_t i = 4; i < args.size(); ++i) request.absolute |= args[i] == "ABSTTL";
  request.payload = rdb::parse_dump_payload(args[3]);
  return request;
}

}  // namespace

fence::RebuildOptions SnapshotLoader::rebuild_options(int64_t grace_ms) const {
  fence::RebuildOptions options = target_.rebuild_options();
  options.expiry_grace_ms = grace_ms;
  return options;
}

// One unit: it begins with DEL, so that sending it again after a lost connection does no harm.
void SnapshotLoader::append_rebuilt(const rdb::Entry& entry, int64_t grace_ms, const Unit& unit) {
  ++counters_.rebuilt;
  TargetNode& node = target_.node_of_key(entry.key);
  std::string& out = node.begin_unit(entry.db, offset_, link_);
  Unit whole = unit;
  whole.failed = false;
  whole.replies = 0;
  fence::rebuild_value(std::string(entry.key), entry.type, entry.value, entry.expire_at,
                       rebuild_options(grace_ms), [&](Bytes command) {
                         out.append(command);
                         ++whole.replies;
                       });
  node.end_unit(whole);
}

void SnapshotLoader::rebuild(Bytes restore_request, const Unit& unit) {
  const RestoreRequest request = parse_restore(restore_request);
  refused_types_.set(request.payload.type);
  rdb::Entry entry{.db = unit.db, .key = request.key};
  entry.type = request.payload.type;
  entry.value = request.payload.value;
  // The time in the request has the grace already.
  const int64_t grace_ms = options_.expiry_grace.count();
  const int64_t now_ms = request.absolute ? 0 : clock_ms() + clock_offset_ms_;
  if (request.ttl > 0) entry.expire_at = ExpireAt{request.ttl + now_ms - grace_ms};
  append_rebuilt(entry, grace_ms, unit);
}

void SnapshotLoader::on_big_begin(const rdb::Entry& entry) {
  flush();
  ++counters_.keys;
  ++counters_.rebuilt;
  big_key_ = entry.key;
  big_db_ = entry.db;
  big_expire_at_ = entry.expire_at;
  // Each command is a unit of its own: the value is never whole in memory. If one of them fails the
  // key is fenced, and abandon_big() ends this.
  big_ = std::make_unique<fence::Rebuilder>(
      big_key_, rebuild_options(options_.expiry_grace.count()), [this](Bytes command) {
        TargetNode& node = target_.node_of_key(big_key_);
        node.begin_unit(big_db_, offset_, link_).append(command);
        end_unit(node, big_db_, 1, UnitKind::command);
      });
  big_->start();
}

void SnapshotLoader::on_big_part(const rdb::BigPart& part) {
  if (big_) rdb::decode_part(part, *big_);
}

void SnapshotLoader::on_big_end() {
  if (big_) big_->finish(big_expire_at_);
  big_.reset();
}

}  // namespace lockstep::engine
