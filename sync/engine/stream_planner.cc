#include "sync/engine/stream_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/engine/plain_sets.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

DbIndex parse_db(Bytes text) {
  DbIndex db;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), db.value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UserError(
        fmt::format("the source selected database \"{}\", which is not a number", printable(text)));
  }
  return db;
}

}  // namespace

StreamPlanner::StreamPlanner(Target& target, uint16_t link, PlannerOptions options,
                             FenceBook& fences, ScriptStore& scripts, UnsupportedKeys& unsupported)
    : target_(target),
      link_(link),
      options_(options),
      fences_(fences),
      scripts_(scripts),
      unsupported_(unsupported),
      dialect_(target.abilities().dialect) {}

// Versions decide only what no answer of a server shows: how it searches by distance, and, since
// 7.0, that a claim of an entry which was deleted lets go of it.
void StreamPlanner::set_source(const ServerInfo& source) {
  const bool forgets = version_number(source.version) >= 70000;
  dialect_.set(commands::Option::same_searches, source.release() == target_.server_release());
  dialect_.set(commands::Option::same_claims,
               forgets == dialect_.has(commands::Option::stream_counters));
}

void StreamPlanner::start(DbIndex db, Offset offset) {
  db_ = db;
  end_ = before_ = offset;
}

Offset StreamPlanner::settled() const {
  Offset offset = in_transaction_ || exploding_ ? transaction_begin_ : end_;
  if (awaited_) offset = std::min(offset, before_);
  if (fences_.has_pending()) offset = std::min(offset, fences_.pending_since());
  return offset;
}

StreamPlanner::Step StreamPlanner::plan(std::span<const Bytes> args, Bytes raw, Offset end,
                                        int64_t now_ms) {
  if (end != end_) before_ = end_;
  now_ms_ = now_ms;
  if (args.empty()) return end_ = end, Step::done;
  const Request request{commands::find(args), args, raw};
  if (request.spec && request.spec->scope == commands::Scope::transaction) {
    if (request.spec->name == "multi") return begin_transaction(end);
    if (in_transaction_) {
      const Offset planned = std::exchange(end_, end);
      const Step step = end_transaction(request.spec->name == "exec");
      if (step == Step::fence_first) end_ = planned;
      return step;
    }
    return end_ = end, Step::done;  // the end of a transaction that was too large to be one
  }
  if (in_transaction_) return end_ = end, queue(raw);
  if (fences_.pending_full()) return Step::fence_first;
  const Offset planned = std::exchange(end_, end);
  const Step step = request.spec ? plan_one(request) : Step::ask_keys;
  if (step == Step::fence_first) end_ = planned;
  if (step == Step::done && !fences_.idle()) fences_.pass(end_);
  awaited_ = step != Step::done && step != Step::fence_first;
  ++counters_.commands;
  return step;
}

size_t StreamPlanner::plan_plain_sets(Bytes stream, Offset begin) {
  if (!simple() || in_transaction_ || exploding_) return 0;
  const PlainSets sets = find_plain_sets(stream);
  if (sets.count < 2) return 0;
  before_ = end_;
  end_ = begin + static_cast<int64_t>(sets.bytes);
  append_mset(target_.node(0).begin_unit(db_, before_, link_), stream, sets);
  target_.node(0).end_unit({.link = link_, .kind = UnitKind::command, .db = db_, .end = end_});
  counters_.commands += sets.count;
  counters_.merged_sets += sets.count;
  return sets.bytes;
}

StreamPlanner::Step StreamPlanner::plan_one(const Request& request) {
  switch (request.spec->scope) {
    case commands::Scope::keys:
      return plan_keys(request);
    case commands::Scope::select:
      return select(request);
    case commands::Scope::flush:
      return plan_flush(request);
    case commands::Scope::script:
      return plan_script_scope(request);
    case commands::Scope::publish:
      options_.publish ? publish(request) : void(++counters_.publishes_dropped);
      return Step::done;
    case commands::Scope::replication:
      if (request.args.size() > 1 && request.spec->name == "replconf") ack_wanted_ = true;
      return Step::done;
    case commands::Scope::transaction:
    case commands::Scope::other:
      break;
  }
  if (!request.spec->write) return Step::done;
  throw UserError(fmt::format(
      "the source's stream holds {}, which is not known to change keys and cannot be replayed "
      "(offset {})",
      printable(request.args[0]), end_.value));
}

StreamPlanner::Step StreamPlanner::select(const Request& request) {
  if (request.args.size() < 2)
    throw UserError("the source's stream holds SELECT without a database");
  db_ = parse_db(request.args[1]);
  if (db_there() || unsupported_.policy() == OnUnsupported::report) return Step::done;
  throw UserError(fmt::format(
      "the source writes to database {} and the target, a {}, has only {}: move that data to "
      "another "
      "database, sync into a server with as many, or leave such keys out with --unsupported report "
      "(source offset {})",
      db_.value, target_.clustered() ? "cluster" : "server", target_.abilities().databases,
      end_.value));
}

/// Nothing needs to know a command's keys.
bool StreamPlanner::simple() const {
  return !target_.clustered() && fences_.idle() && unsupported_.empty() && db_there();
}

StreamPlanner::Step StreamPlanner::plan_keys(const Request& request) {
  if (db_there() && is_random_script(request)) return plan_random_script(request);
  if (!simple() || !fits(request)) return plan_routed(request);
  emit(target_.node(0), Slot{0}, request);
  return Step::done;
}

StreamPlanner::Step StreamPlanner::plan_routed(const Request& request) {
  if (!commands::find_keys(*request.spec, request.args, keys_)) return Step::ask_keys;
  if (keys_.empty()) return plan_without_keys(request);
  if (touches_unsupported(request)) return plan_unsupported(request), Step::done;
  if (!grouping_ && touches_pending(request)) return Step::fence_first;
  const auto other = commands::other_database(*request.spec, request.args);
  if (other && (!fences_.idle() || other->value >= target_.abilities().databases))
    return fence_both_databases(request, *other), Step::done;
  if (covered_by_fence(request)) return drop_covered(request), Step::done;
  if (!fits(request)) return plan_unknown(request), Step::done;
  if (!target_.clustered()) return emit(target_.node(0), Slot{0}, request), Step::done;
  const Slot slot = cluster::slot_of(request.args[keys_.front().argument]);
  const bool one_slot = std::all_of(keys_.begin(), keys_.end(), [&](const commands::KeyRef& key) {
    return cluster::slot_of(request.args[key.argument]) == slot;
  });
  if (one_slot) {
    emit(target_.node_of(slot), slot, request);
  } else if (request.spec->split != commands::Split::none) {
    split(request);
  } else {
    fence_written(request);
  }
  return Step::done;
}

StreamPlanner::Step StreamPlanner::plan_without_keys(const Request& request) {
  if (!request.spec->write) return Step::done;
  if (!db_there()) return ++counters_.left_out, Step::done;
  if (!fits(request))
    throw UserError(fmt::format(
        "the source's stream holds {}, which the target does not know, and it names no key that "
        "could be read again (source offset {})",
        printable(request.args[0]), end_.value));
  if (!target_.clustered()) return emit(target_.node(0), Slot{0}, request), Step::done;
  throw UserError(
      fmt::format("the source's stream holds {} without a declared key, so no node of the target "
                  "cluster can be "
                  "chosen for it: declare the keys it uses, or set the source to replicate effects "
                  "(lua-replicate-commands, or redis.replicate_commands()) (source offset {})",
                  printable(request.args[0]), end_.value));
}

bool StreamPlanner::touches_pending(const Request& request) const {
  if (!fences_.has_pending()) return false;
  return std::any_of(keys_.begin(), keys_.end(), [&](const commands::KeyRef& key) {
    return fences_.is_pending(db_, request.args[key.argument]);
  });
}

bool StreamPlanner::covered(Bytes key) const {
  return fences_.covers(db_, key, end_) || (grouping_ && fences_.is_pending(db_, key));
}

bool StreamPlanner::covered_by_fence(const Request& request) const {
  if (fences_.idle()) return false;
  return std::any_of(keys_.begin(), keys_.end(), [&](const commands::KeyRef& key) {
    return covered(request.args[key.argument]);
  });
}

void StreamPlanner::drop_covered(const Request& request) {
  ++counters_.dropped;
  for (const commands::KeyRef& key : keys_) {
    const Bytes name = request.args[key.argument];
    if (key.written && !covered(name)) add_pending(db_, name);
  }
}

void StreamPlanner::add_pending(DbIndex db, Bytes key) {
  fences_.add_pending(db, key, grouping_ ? transaction_begin_ : before_);
  ++counters_.fences;
}

void StreamPlanner::fence_written(const Request& request) {
  for (const commands::KeyRef& key : keys_) {
    if (key.written) add_pending(db_, request.args[key.argument]);
  }
}

void StreamPlanner::fence_both_databases(const Request& request, DbIndex other) {
  fence_written(request);
  for (const commands::KeyRef& key : keys_) {
    if (key.written) add_pending(other, request.args[key.argument]);
  }
}

void StreamPlanner::split(const Request& request) {
  ++counters_.splits;
  const bool known = commands::split_by_slot(*request.spec, request.args, cluster::slot_of,
                                             [&](Slot slot, std::span<const Bytes> args) {
                                               const Request part{request.spec, args, {}};
                                               LOCKSTEP_ASSERT(fits(part));  // as the whole did
                                               emit(target_.node_of(slot), slot, part);
                                             });
  if (!known) fence_written(request);
}

/// REQUIRES: fits(request) was the last that was asked.
void StreamPlanner::emit(TargetNode& node, Slot slot, const Request& request) {
  if (request.spec->script_call) prepare_script(node, request);
  rewritten_.clear();
  uint32_t replies = 0;
  if (fit_ == commands::Fit::rewritten) {
    ++counters_.rewritten;
    for (const std::vector<Bytes>& args : adapted_.all())
      replies += encode(*commands::find(args), args, {});
    if (replies == 0) return;
  } else {
    replies = encode(*request.spec, request.args, request.raw);
  }
  append(node, slot, rewritten_.empty() ? request.raw : Bytes(rewritten_), replies, *request.spec);
}

/// Appends what is sent for a request that the target knows, and returns how many replies that
/// gives. Leaves rewritten_ alone if it is `raw`.
uint32_t StreamPlanner::encode(const commands::Spec& spec, std::span<const Bytes> args, Bytes raw) {
  const commands::ExpiryRewrite rewrite{
      .now_ms = now_ms_,
      .grace_ms = options_.expiry_grace.count(),
      .target_supports_pxat = dialect_.has(commands::Option::set_pxat)};
  const size_t commands = commands::rewrite_expiry(spec, args, rewrite, rewritten_);
  if (commands > 0) ++counters_.rewritten_expiries;
  if (commands == 0 && !raw.starts_with('*')) resp::append_command(rewritten_, args);
  return static_cast<uint32_t>(std::max<size_t>(1, commands));
}

void StreamPlanner::append(TargetNode& node, Slot slot, Bytes request, uint32_t replies,
                           const commands::Spec& spec) {
  // A message is sent from any database, of keys none comes here that the target has no place for.
  const DbIndex db = db_there() ? db_ : DbIndex{0};
  const bool claims = spec.name == "xclaim" && !dialect_.has(commands::Option::same_claims);
  if (!grouping_) {
    node.begin_unit(db, begin_of_unit(), link_).append(request);
    node.end_unit({.replies = replies,
                   .link = link_,
                   .kind = UnitKind::command,
                   .expect_nonzero = needs_its_key(spec.name),
                   .expect_fields = needs_its_fields(spec.name),
                   .expect_claims = claims,
                   .db = db,
                   .end = end_of_unit()});
    return;
  }
  const uint32_t id = target_.clustered() ? slot.value : 0;
  auto found = std::find_if(groups_.begin(), groups_.end(),
                            [&](const auto& group) { return group.first == id; });
  if (found == groups_.end()) {
    found = groups_.insert(groups_.end(), {id, Group{.node = &node,
                                                     .requests = {},
                                                     .commands = 0,
                                                     .needs_key = false,
                                                     .needs_fields = false,
                                                     .claims = false,
                                                     .first_db = db,
                                                     .db = db}});
  }
  Group& group = found->second;
  if (group.db != db) {
    resp::append_command(group.requests, {"SELECT", std::to_string(db.value)});
    ++group.commands;
    group.db = db;
  }
  group.requests.append(request);
  group.commands += replies;
  group.needs_key = group.needs_key || needs_its_key(spec.name);
  group.needs_fields = group.needs_fields || needs_its_fields(spec.name);
  group.claims = group.claims || claims;
}

}  // namespace lockstep::engine
