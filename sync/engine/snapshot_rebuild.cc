// The part of SnapshotLoader that sends values as commands: those whose payload the target refused,
// and those that are too large for one payload.

#include <fmt/format.h>

#include "sync/base/error.h"
#include "sync/engine/snapshot_loader.h"

namespace lockstep::engine {

void SnapshotLoader::rebuild(Bytes requests, const Unit& unit) {
  count(values_.write_refused(requests, unit, offset_));
}

void SnapshotLoader::on_big_begin(const rdb::Entry& entry) {
  flush();
  ++counters_.keys;
  ++counters_.rebuilt;
  big_key_ = entry.key;
  big_db_ = entry.db;
  big_expire_at_ = entry.expire_at;
  if (big_db_.value >= target_.abilities().databases)
    return give_up_big(
        {fence::Unsupported::database,
         fmt::format("{} is in database {}, and the target has only {}", printable(big_key_),
                     big_db_.value, target_.abilities().databases)});
  // Each command is a unit of its own: the value is never whole in memory. If one of them fails the
  // key is fenced, and abandon_big() ends this.
  big_ = std::make_unique<fence::Rebuilder>(
      big_key_, values_.rebuild_options(options_.expiry_grace.count()), [this](Bytes command) {
        TargetNode& node = target_.node_of_key(big_key_);
        node.begin_unit(big_db_, offset_, link_).append(command);
        end_unit(node, big_db_, 1, UnitKind::command);
      });
  big_->start();
}

void SnapshotLoader::on_big_part(const rdb::BigPart& part) {
  if (!big_) return;
  try {
    rdb::decode_part(part, *big_);
  } catch (const fence::UnsupportedValue& why) {
    give_up_big(why);
  }
}

void SnapshotLoader::give_up_big(const fence::UnsupportedValue& why) {
  big_.reset();
  --counters_.rebuilt;
  ++counters_.left_out;
  const Unit unit{.link = link_, .kind = UnitKind::restore, .db = big_db_, .end = offset_};
  values_.leave_out(big_db_, big_key_, why, unit, offset_);
}

void SnapshotLoader::on_big_end() {
  if (big_) big_->finish(big_expire_at_);
  big_.reset();
}

}  // namespace lockstep::engine
