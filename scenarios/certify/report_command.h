#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::scenarios::certify {

/// Adds `lockstep report merge`, which joins the parts of a check or of a certificate; parsing it
/// sets `action`, which returns the exit code.
void add_report_command(CLI::App& app, std::function<int()>& action);

}  // namespace lockstep::scenarios::certify
