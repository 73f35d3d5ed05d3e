#pragma once

#include <string>

#include "scenarios/certify/certificate.h"
#include "scenarios/scenario.h"

namespace lockstep::scenarios::certify {

/// The scenario of one family's cases in a cell: everything that the source knows is written, what
/// the target cannot hold is counted. Written to a file it is what repeats a case.
Scenario make_scenario(const Cell& cell, const std::string& family);
/// The same input for the servers' own replication: the control.
Scenario make_control(const Cell& cell, const std::string& family);

}  // namespace lockstep::scenarios::certify
