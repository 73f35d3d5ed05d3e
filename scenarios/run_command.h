#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::scenarios {

/// Adds `lockstep run`; `action` becomes what it does when it was chosen.
void add_run_command(CLI::App& app, std::function<int()>& action);

}  // namespace lockstep::scenarios
