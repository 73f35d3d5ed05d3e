#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::verifier {

/// Adds `lockstep verify`; parsing it sets `action`, which returns the exit code.
void add_verify_command(CLI::App& app, std::function<int()>& action);

}  // namespace lockstep::verifier
