#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "scenarios/executor.h"
#include "scenarios/scenario.h"
#include "sync/base/error.h"

namespace lockstep::scenarios {

enum class Verdict : uint8_t {
  pass,     ///< every check was made and held
  fail,     ///< a check found a difference
  unknown,  ///< the run could not be completed, so nothing is proved
  skipped,  ///< a check that this machine cannot make; the others decide
};
std::string to_string(Verdict verdict);
ExitCode exit_code(Verdict verdict);

struct CheckResult {
  std::string name;  ///< "verify target"
  Verdict verdict = Verdict::unknown;
  std::string detail;  ///< one line
  /// Keys that the target cannot hold, by what it cannot hold: "streams".
  std::map<std::string, uint64_t> losses{};
};

/// A stage of the run and how long it took.
struct Phase {
  std::string name;
  std::chrono::milliseconds duration{0};
};

/// A server that ended during a case, though nobody stops one before the end, or that cannot be
/// asked whether it runs.
struct FallenServer {
  std::string server;  ///< its name in the catalogue
  std::string crash;   ///< the cause that its crash report names; empty: its log has no such report
  std::string words;   ///< a sentence: which one it is, and the cause or the end of its log
};

struct CaseResult {
  uint64_t seed = 0;
  Verdict verdict = Verdict::unknown;
  std::string reason;  ///< why not pass
  std::vector<CheckResult> checks;
  std::vector<Phase> phases;
  ExecutionStats before, during;
  uint64_t keys_loaded = 0;
  std::vector<std::string> engine_status;    ///< JSON of each sync
  std::map<std::string, uint64_t> coverage;  ///< by the names of coverage.h: how often it happened
  std::vector<FallenServer> fallen;
  std::filesystem::path directory;
  /// The tool under test was started: what failed from then on may be its doing.
  bool tool_began = false;
};

/// The worst of the checks that were made; unknown if there are none.
Verdict worst_of(const std::vector<CheckResult>& checks);
/// The verdict and its reason, from the checks that were made and from what ended the run (empty:
/// nothing did). A check that failed stays a fail, whatever happened after it; a workload of which
/// nothing was executed proves nothing.
void conclude(CaseResult& result, const std::string& failure);
/// verdict.json of the result directory, schema 1.
std::string to_json(const Scenario& scenario, const CaseResult& result);

}  // namespace lockstep::scenarios
