#pragma once

#include "verifier/verify.h"

namespace lockstep::verifier {

/// Throws UserError (bad_arguments) for flags that are missing or do not go together.
void require_valid(const VerifyOptions& options);

/// Whoever chooses keys does not ask for functions; of parts the first compares them.
bool compares_functions(const VerifyOptions& options);

/// Where a position is possible and wanted. Others that name an engine only learn its mode.
bool may_hold(const VerifyOptions& options);

}  // namespace lockstep::verifier
