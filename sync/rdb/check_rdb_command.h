#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lockstep::rdb {

/// Registers `lockstep check-rdb`; `action` runs it if it was chosen, and returns the exit code.
void add_check_rdb_command(CLI::App& app, std::function<int()>& action);

}  // namespace lockstep::rdb
