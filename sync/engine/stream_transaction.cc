// The part of StreamPlanner that deals with MULTI … EXEC.

#include <algorithm>

#include "sync/base/error.h"
#include "sync/engine/stream_planner.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

StreamPlanner::Step StreamPlanner::begin_transaction(Offset end) {
  in_transaction_ = true;
  transaction_begin_ = end_;
  end_ = end;
  queued_.clear();
  return Step::done;
}

StreamPlanner::Step StreamPlanner::queue(Bytes raw) {
  queued_.append(raw);
  if (queued_.size() <= options_.transaction_bytes_max) return Step::done;
  return explode();
}

StreamPlanner::Step StreamPlanner::explode() {
  in_transaction_ = false;
  ++counters_.transactions_split;
  exploded_ = std::exchange(queued_, {});
  exploding_ = true;
  return Step::exploded;
}

bool StreamPlanner::each_queued(const std::function<bool(const Request&)>& visit) {
  resp::CommandParser parser;
  Bytes rest = queued_;
  while (!rest.empty()) {
    const auto length = parser.parse(rest);
    LOCKSTEP_ASSERT(length.has_value());  // they were parsed when they came
    const Request request{commands::find(parser.args()), parser.args(), rest.substr(0, *length)};
    if (!visit(request)) return false;
    rest.remove_prefix(*length);
  }
  return true;
}

// What cannot stand in a transaction on the target, or needs something awaited.
bool StreamPlanner::awkward(const Request& request) {
  if (request.args.empty()) return false;
  if (!request.spec) return true;
  switch (request.spec->scope) {
    case commands::Scope::flush:
    case commands::Scope::script:
      return true;
    case commands::Scope::keys:
      return (!simple() || request.spec->script_call || !fits(request)) &&
             !commands::find_keys(*request.spec, request.args, keys_);
    default:
      return false;
  }
}

StreamPlanner::Step StreamPlanner::end_transaction(bool exec) {
  if (!exec) {
    in_transaction_ = false;
    queued_.clear();
    return Step::done;
  }
  const DbIndex db = db_;
  const bool free_of_pending = each_queued([&](const Request& request) {
    if (!request.spec) return true;
    if (request.spec->scope == commands::Scope::select) return select(request), true;
    if (!fences_.has_pending() || request.spec->scope != commands::Scope::keys) return true;
    return !commands::find_keys(*request.spec, request.args, keys_) || !touches_pending(request);
  });
  db_ = db;
  if (!free_of_pending || fences_.pending_full()) return Step::fence_first;
  if (!each_queued([&](const Request& request) { return !awkward(request); })) return explode();
  plan_transaction();
  return Step::done;
}

void StreamPlanner::plan_transaction() {
  grouping_ = true;
  uint64_t count = 0;
  each_queued([&](const Request& request) {
    if (request.spec && !request.args.empty()) {
      const Step step = plan_one(request);
      LOCKSTEP_ASSERT(step == Step::done);
    }
    ++count;
    return true;
  });
  grouping_ = false;
  in_transaction_ = false;
  queued_.clear();
  counters_.commands += count;
  ++counters_.transactions;
  if (groups_.size() > 1) ++counters_.transactions_split;
  send_groups();
  if (!fences_.idle()) fences_.pass(end_);
}

void StreamPlanner::send_groups() {
  for (auto& [slot, group] : groups_) {
    const bool single = group.commands == 1;
    std::string& out = group.node->begin_unit(group.first_db, transaction_begin_, link_);
    if (!single) resp::append_command(out, {"MULTI"});
    out.append(group.requests);
    if (!single) resp::append_command(out, {"EXEC"});
    if (group.db != group.first_db) group.node->forget_selected();
    group.node->end_unit({.replies = single ? 1 : group.commands + 2,
                          .link = link_,
                          .kind = single ? UnitKind::command : UnitKind::transaction,
                          .expect_nonzero = single && group.needs_key,
                          .expect_fields = single && group.needs_fields,
                          .expect_claims = group.claims,
                          .exec = !single,
                          .db = group.first_db,
                          .db_after = group.db,
                          .end = end_});
  }
  groups_.clear();
}

}  // namespace lockstep::engine
