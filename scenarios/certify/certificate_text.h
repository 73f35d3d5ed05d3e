#pragma once

#include <string>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// For a terminal: the grid, what is lost, what failed and why, what is not certified, the totals.
std::string certificate_text(const Certificate& certificate, bool colour);

/// certificate.md: the same with the servers, the goals and every finding, to be pasted.
std::string certificate_markdown(const Certificate& certificate);

/// junit.xml: a suite for each topology, a test for each cell. Failed: failure; not certified, or
/// not run: error; unsupported: skipped. Losses stand in the test's output.
std::string certificate_junit(const Certificate& certificate);

}  // namespace lockstep::scenarios::certify
