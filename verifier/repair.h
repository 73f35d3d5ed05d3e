#pragma once

#include "verifier/verify.h"

namespace lockstep::verifier {

struct RepairOptions {
  bool dry_run = false;  ///< say what would be done, and write nothing
  uint64_t rate = 1000;  ///< keys a second at most
};

/// Verifies, mends the target, verifies again; the report is the second one's. Each confirmed
/// difference is read from the source once more and written to the target, or removed from it if it
/// is of class `extra` and the source still does not have it. What is overwritten goes to
/// repair.jsonl in `options.report` first; the first verdict's diff.jsonl is kept there as
/// diff-before.jsonl. Throws UserError (bad_arguments) if `options.report` is empty. An
/// engine that feeds the target must be named in `options.engine`: keys are written while it is
/// held. Nobody else may write to the target meanwhile.
VerifyReport verify_and_repair(const VerifyOptions& options, const RepairOptions& repair);

}  // namespace lockstep::verifier
