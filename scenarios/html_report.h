#pragma once

#include "scenarios/result.h"

namespace lockstep::scenarios {

/// Writes report.html to the result's directory: one page, no script, nothing from elsewhere.
void write_report(const Scenario& scenario, const CaseResult& result);

}  // namespace lockstep::scenarios
