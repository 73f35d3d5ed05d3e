// The part of StreamPlanner that deals with commands which are not about the keys they name:
// scripts, functions, flushes, messages.

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/cluster/slot.h"
#include "sync/engine/stream_planner.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

std::string to_lower(Bytes text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace

// Verbatim scripts are deterministic only on servers of the time when they were replicated:
// since 7.0 a script's random numbers differ from run to run.
bool StreamPlanner::is_random_script(const Request& request) const {
  if (!request.spec->script_call || request.args.size() < 2) return false;
  const std::string* body =
      request.spec->name == "evalsha" ? scripts_.find(to_lower(request.args[1])) : nullptr;
  const Bytes text = body ? Bytes(*body) : request.args[1];
  return text.find("random") != Bytes::npos;
}

StreamPlanner::Step StreamPlanner::plan_random_script(const Request& request) {
  if (!commands::find_keys(*request.spec, request.args, keys_)) return Step::ask_keys;
  if (keys_.empty()) return plan_without_keys(request);
  if (request.spec->name == "eval") scripts_.add(request.args[1]);
  fence_written(request);
  return Step::done;
}

void StreamPlanner::broadcast(Bytes raw) {
  const DbIndex db = db_there() ? db_ : DbIndex{0};
  for (size_t i = 0; i < target_.node_count(); ++i) {
    TargetNode& node = target_.node(i);
    node.begin_unit(db, begin_of_unit(), link_).append(raw);
    node.end_unit({.link = link_, .kind = UnitKind::control, .db = db, .end = end_of_unit()});
  }
}

void StreamPlanner::publish(const Request& request) {
  if (request.args.size() != 3) return;
  const bool sharded = request.spec->name == "spublish";
  const Slot slot = sharded ? cluster::slot_of(request.args[1]) : Slot{0};
  rewritten_.clear();
  const bool known = dialect_.knows(*request.spec);
  resp::append_command(rewritten_,
                       {known ? request.args[0] : "PUBLISH", request.args[1], request.args[2]});
  append(target_.clustered() ? target_.node_of(slot) : target_.node(0), slot, rewritten_, 1,
         *request.spec);
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
  if (!target_.abilities().functions()) {
    if (request.spec->name != "function delete" && request.spec->name != "function flush")
      unsupported_.add_function();
    return Step::done;
  }
  rewritten_.clear();
  if (request.spec->name == "function load") {
    resp::append_command(rewritten_, {"FUNCTION", "LOAD", "REPLACE", request.args.back()});
    broadcast(rewritten_);
    return Step::done;
  }
  if (request.spec->name == "function restore") {
    if (!loads(request.args[2])) return Step::load_functions;
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
  if (request.spec->name == "script flush") {  // SYNC and ASYNC are of 6.2
    rewritten_.clear();
    resp::append_command(rewritten_, {"SCRIPT", "FLUSH"});
    broadcast(rewritten_);
  } else if (request.spec->write || request.spec->name.starts_with("script ")) {
    broadcast(request.raw);
  }
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
    resp::append_command(node.begin_unit(db_, begin_of_unit(), link_), {"SCRIPT", "LOAD", *body});
    node.end_unit({.link = link_, .kind = UnitKind::control, .db = db_, .end = begin_of_unit()});
  }
}

}  // namespace lockstep::engine
