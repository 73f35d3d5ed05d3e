#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::verifier {

/// Adds `lockstep report merge`; parsing it sets `action`, which returns the exit code.
void add_report_command(CLI::App& app, std::function<int()>& action);

}  // namespace lockstep::verifier
