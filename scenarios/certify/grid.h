#pragma once

#include <string>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// One character of the grid: "✓" certified, "L" with losses, "✗" failed, "–" unsupported, "?" not
/// certified.
const char* outcome_mark(Outcome outcome);

/// Sources downwards, targets to the right, a mark for each cell; 17 targets of the catalogue are
/// 80 columns wide. A cell that is not of the request's part is blank. `colour`: for a terminal.
std::string grid_text(const Certificate& certificate, Topology topology, bool colour);

/// "✓ certified 12   L certified with losses 3": the marks that occur, with their numbers.
std::string legend_text(const Certificate& certificate, bool colour);

}  // namespace lockstep::scenarios::certify
