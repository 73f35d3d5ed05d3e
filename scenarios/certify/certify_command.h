#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::scenarios::certify {

/// Adds `lockstep certify`; parsing it sets `action`, which returns the exit code.
void add_certify_command(CLI::App& app, std::function<int()>& action);

}  // namespace lockstep::scenarios::certify
