#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::verifier {

/// `lockstep verify explain DIR KEY`, below `verify`.
void add_explain_command(CLI::App& verify, std::function<int()>& action);

}  // namespace lockstep::verifier
