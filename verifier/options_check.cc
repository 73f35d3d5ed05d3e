#include "verifier/options_check.h"

#include <algorithm>

#include "verifier/rdb_file.h"

namespace lockstep::verifier {

namespace {

bool with_files(const VerifyOptions& options) {
  return std::any_of(options.from.begin(), options.from.end(), is_file_url) ||
         std::any_of(options.to.begin(), options.to.end(), is_file_url);
}

/// All keys are read in holds.
bool by_chunks(const VerifyOptions& options) {
  return options.read == ReadMode::scan || !options.scope.keys.empty();
}

void require_possible_cut(const VerifyOptions& options) {
  if (options.cut != CutMode::position) return;
  const auto refuse = [](const char* message) {
    throw UserError(message, ExitCode::bad_arguments);
  };
  if (options.engine.empty())
    refuse(
        "--cut position needs --engine ADDR: the --control address of the `lockstep sync` that "
        "feeds the target");
  if (!options.state.empty() && by_chunks(options))
    refuse(
        "--state cannot keep what was read at positions chunk by chunk: leave it away, or give "
        "--read snapshot");
  if (with_files(options))
    refuse("--cut position needs servers on both sides: a file stands still");
}

}  // namespace

void require_valid(const VerifyOptions& options) {
  const auto refuse = [](const char* message) {
    throw UserError(message, ExitCode::bad_arguments);
  };
  if (options.from.empty()) refuse("--from is missing: the source, as in redis://host:6379");
  if (options.to.empty()) refuse("--to is missing: the target, as in redis://host:6379");
  for (const std::string& topology : {options.from_topology, options.to_topology}) {
    if (topology != "auto" && topology != "standalone" && topology != "cluster")
      refuse("--from-topology and --to-topology take auto, standalone or cluster");
  }
  require_possible_cut(options);
}

bool compares_functions(const VerifyOptions& options) {
  ScopeOptions others = options.scope;
  const bool first = Scope(options.scope).part().index == 1;
  others.part.clear();
  return options.functions && first && !with_files(options) && Scope(others).everything() &&
         others.keys.empty() && others.type.empty();
}

bool may_hold(const VerifyOptions& options) {
  if (options.engine.empty() || with_files(options)) return false;
  if (options.cut == CutMode::position) return true;
  return options.cut == CutMode::automatic && !by_chunks(options);
}

}  // namespace lockstep::verifier
