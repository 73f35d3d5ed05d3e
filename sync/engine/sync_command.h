#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::engine {

/// Registers `lockstep sync`; `action` runs it if it was chosen, and returns the exit code.
void add_sync_command(CLI::App& app, std::function<int()>& action);

}  // namespace lockstep::engine
