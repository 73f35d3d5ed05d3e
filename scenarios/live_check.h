#pragma once

#include "scenarios/checks.h"

namespace lockstep::scenarios {

/// The tool that keeps a copy in step.
struct LiveTool {
  std::string grace;    ///< how much later it writes expiries, as --expiry-grace takes it
  std::string control;  ///< where it can be held, as --engine takes it; empty: it cannot
};

/// The verifier again and again, at least once and as long as `writing`, on copies that follow each
/// other: it must never report a difference, since there is none that stays. Where the tool can be
/// held every other run has its cut at a position. Passes if at least one run told "equal", and one
/// of those at a position if there were any.
asio::awaitable<CheckResult> check_live(asio::any_io_executor executor, Comparison comparison,
                                        const bool& writing, LiveTool tool);

}  // namespace lockstep::scenarios
