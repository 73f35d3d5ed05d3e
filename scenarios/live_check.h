#pragma once

#include "scenarios/checks.h"

namespace lockstep::scenarios {

/// The verifier again and again, at least once and as long as `writing`, on copies that follow each
/// other: it must never report a difference, since there is none that stays. `grace`: how much
/// later the tool writes expiries, as --expiry-grace takes it. Passes if at least one run told
/// "equal".
asio::awaitable<CheckResult> check_live(asio::any_io_executor executor, Comparison comparison,
                                        const bool& writing, std::string grace);

}  // namespace lockstep::scenarios
