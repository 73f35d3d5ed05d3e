#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::verifier {

/// `lockstep verify undo FILE`, below `verify`.
void add_undo_command(CLI::App& verify, std::function<int()>& action);

}  // namespace lockstep::verifier
