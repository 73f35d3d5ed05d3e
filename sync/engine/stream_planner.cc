#include "sync/engine/stream_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/engine/plain_sets.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

std::string to_lower(Bytes text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

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
                             FenceBook& fences, ScriptStore& scripts)
    : target_(target), link_(link), options_(options), fences_(fences), scripts_(scripts) {}

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
  if (target_.clustered() || in_transaction_ || exploding_ || !fences_.idle()) return 0;
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
  if (db_.value > 0 && target_.clustered()) {
    throw UserError(fmt::format(
        "the source writes to database {} and the target is a cluster, which has only database 0: "
        "move that data to database 0, or sync into a standalone target (source offset {})",
        db_.value, end_.value));
  }
  return Step::done;
}

// Verbatim scripts are deterministic only on servers of the time when they were replicated:
// since 7.0 a script's random numbers differ from run to run.
bool StreamPlanner::is_random_script(const Request& request) const {
  if (!request.spec->script_call || request.args.size() < 2) return false;
  const std::string* body =
      request.spec->name == "evalsha" ? scripts_.find(to_lower(request.args[1])) : nullptr;
  const Bytes text = body ? Bytes(*body) : request.args[1];
  return text.find("random") != Bytes::npos;
}

StreamPlanner::Step StreamPlanner::plan_keys(const Request& request) {
  if (is_random_script(request)) return plan_random_script(request);
  if (target_.clustered() || !fences_.idle()) return plan_routed(request);
  emit(target_.node(0), Slot{0}, request);
  return Step::done;
}

StreamPlanner::Step StreamPlanner::plan_routed(const Request& request) {
  if (!commands::find_keys(*request.spec, request.args, keys_)) return Step::ask_keys;
  if (keys_.empty()) return plan_without_keys(request);
  if (!grouping_ && touches_pending(request)) return Step::fence_first;
  if (const auto other = commands::other_database(*request.spec, request.args);
      other && !fences_.idle())
    return fence_both_databases(request, *other), Step::done;
  if (covered_by_fence(request)) return drop_covered(request), Step::done;
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

StreamPlanner::Step StreamPlanner::plan_random_script(const Request& request) {
  if (!commands::find_keys(*request.spec, request.args, keys_)) return Step::ask_keys;
  if (keys_.empty()) return plan_without_keys(request);
  if (request.spec->name == "eval") scripts_.add(request.args[1]);
  fence_written(request);
  return Step::done;
}

StreamPlanner::Step StreamPlanner::plan_without_keys(const Request& request) {
  if (!request.spec->write) return Step::done;
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
  const bool known = commands::split_by_slot(
      *request.spec, request.args, cluster::slot_of, [&](Slot slot, std::span<const Bytes> args) {
        rewritten_.clear();
        resp::append_command(rewritten_, args);
        append(target_.node_of(slot), slot, rewritten_, 1, false);
      });
  if (!known) fence_written(request);
}

void StreamPlanner::emit(TargetNode& node, Slot slot, const Request& request) {
  if (request.spec->script_call) prepare_script(node, request);
  rewritten_.clear();
  const commands::ExpiryRewrite rewrite{.now_ms = now_ms_,
                                        .grace_ms = options_.expiry_grace.count(),
                                        .target_supports_pxat = target_.knows_pxat()};
  const size_t commands =
      commands::rewrite_expiry(*request.spec, request.args, rewrite, rewritten_);
  if (commands > 0) {
    ++counters_.rewritten_expiries;
    append(node, slot, rewritten_, static_cast<uint32_t>(commands),
           needs_its_key(request.spec->name));
  } else if (request.raw.starts_with('*')) {
    append(node, slot, request.raw, 1, needs_its_key(request.spec->name));
  } else {
    resp::append_command(rewritten_, request.args);
    append(node, slot, rewritten_, 1, false);
  }
}

void StreamPlanner::append(TargetNode& node, Slot slot, Bytes request, uint32_t replies,
                           bool expect_nonzero) {
  if (!grouping_) {
    node.begin_unit(db_, before_, link_).append(request);
    node.end_unit({.replies = replies,
                   .link = link_,
                   .kind = UnitKind::command,
                   .expect_nonzero = expect_nonzero,
                   .db = db_,
                   .end = end_});
    return;
  }
  const uint32_t id = target_.clustered() ? slot.value : 0;
  auto found = std::find_if(groups_.begin(), groups_.end(),
                            [&](const auto& group) { return group.first == id; });
  if (found == groups_.end()) {
    found = groups_.insert(
        groups_.end(),
        {id, Group{.node = &node, .requests = {}, .commands = 0, .first_db = db_, .db = db_}});
  }
  Group& group = found->second;
  if (group.db != db_) {
    resp::append_command(group.requests, {"SELECT", std::to_string(db_.value)});
    ++group.commands;
    group.db = db_;
  }
  group.requests.append(request);
  group.commands += replies;
}

void StreamPlanner::broadcast(Bytes raw) {
  for (size_t i = 0; i < target_.node_count(); ++i) {
    TargetNode& node = target_.node(i);
    node.begin_unit(db_, before_, link_).append(raw);
    node.end_unit({.link = link_, .kind = UnitKind::control, .db = db_, .end = end_});
  }
}

void StreamPlanner::publish(const Request& request) {
  const bool sharded = request.args.size() > 1 && request.spec->name == "spublish";
  const Slot slot = sharded ? cluster::slot_of(request.args[1]) : Slot{0};
  append(target_.clustered() ? target_.node_of(slot) : target_.node(0), slot, request.raw, 1,
         false);
}

StreamPlanner::Step StreamPlanner::plan_flush(const Request& request) {
  if (request.spec->name != "swapdb") return options_.only_link ? Step::flush : Step::flush_owned;
  if (options_.only_link && !target_.clustered()) return Step::swap;
  throw UserError(
      fmt::format("{}, which cannot be replayed: {} (source offset {})",
                  options_.only_link
                      ? "the source swapped databases and the target is a cluster"
                      : "one of several sources swapped its databases, and they share the target",
                  printable(request.raw, 60), end_.value));
}

// Without SYNC and ASYNC, which not every version knows.
void StreamPlanner::flush(Bytes name) {
  rewritten_.clear();
  resp::append_command(rewritten_, {name});
  broadcast(rewritten_);
}

// Every source has libraries of its own, which should be the same ones; the target gets what any of
// them has. So a library may be there already when it is loaded. Each form may be sent again when
// its reply is lost.
StreamPlanner::Step StreamPlanner::plan_function(const Request& request) {
  rewritten_.clear();
  if (request.spec->name == "function load") {
    resp::append_command(rewritten_, {"FUNCTION", "LOAD", "REPLACE", request.args.back()});
    broadcast(rewritten_);
    return Step::done;
  }
  if (request.spec->name == "function restore") {
    const bool anew = options_.only_link && to_lower(request.args.back()) == "flush";
    resp::append_command(
        rewritten_, {"FUNCTION", "RESTORE", request.args[2], Bytes(anew ? "FLUSH" : "REPLACE")});
    broadcast(rewritten_);
  }
  return Step::function_gone;
}

StreamPlanner::Step StreamPlanner::plan_script_scope(const Request& request) {
  if (request.spec->write && request.spec->name.starts_with("function "))
    return plan_function(request);
  if (request.spec->name == "script load" && request.args.size() > 2) scripts_.add(request.args[2]);
  if (request.spec->name == "script flush") {
    scripts_.clear();
    for (size_t i = 0; i < target_.node_count(); ++i) target_.node(i).scripts().clear();
  }
  if (request.spec->write || request.spec->name.starts_with("script ")) broadcast(request.raw);
  return Step::done;
}

void StreamPlanner::prepare_script(TargetNode& node, const Request& request) {
  if (request.args.size() < 2) return;
  if (request.spec->name == "eval") {
    node.scripts().insert(scripts_.add(request.args[1]));
  } else if (request.spec->name == "evalsha") {
    const std::string sha1 = to_lower(request.args[1]);
    const std::string* body = scripts_.find(sha1);
    if (!body || !node.scripts().insert(sha1).second) return;
    resp::append_command(node.begin_unit(db_, before_, link_), {"SCRIPT", "LOAD", *body});
    node.end_unit({.link = link_, .kind = UnitKind::control, .db = db_, .end = end_});
  }
}

}  // namespace lockstep::engine
