#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "verifier/difference_log.h"
#include "verifier/settle.h"

namespace lockstep::verifier {

/// Libraries of functions that a primary holds: their code by their name.
struct NodeLibraries {
  std::string node;
  bool known = true;  ///< false: its version knows no functions
  std::map<std::string, std::string> code;
};

/// Of all primaries of a side, in the order of its nodes. Throws ConnectionError, and UserError
/// that names the missing permission.
asio::awaitable<std::vector<NodeLibraries>> read_libraries(Side& side);

/// Called with what both sides had at one position of the source, while the engine is held there.
using OnLibraries = std::function<asio::awaitable<void>(std::vector<NodeLibraries> source,
                                                        std::vector<NodeLibraries> target)>;
/// Throws CutFailed if the hold could not be made or has ended too early (what `on_read` did is
/// void then), ConnectionError.
asio::awaitable<void> read_libraries_held(Side& source, Side& target, EngineControl& engine,
                                          OnLibraries on_read);

/// Every library must be on every primary of the target as it is on the source, and no other. One
/// difference for each library, which names the first primary where it is wrong. No I/O.
std::vector<Difference> compare_libraries(const std::vector<NodeLibraries>& source,
                                          const std::vector<NodeLibraries>& target);

/// Compares the functions of both sides, again until they agree, nothing is written any more, or
/// `--settle` is over. Nothing where the source's version knows none. Throws ConnectionError, and
/// UserError that names the missing permission.
asio::awaitable<void> check_functions(Side& source, Side& target, QuietWatch& quiet,
                                      const VerifyOptions& options, VerifyReport& report,
                                      DifferenceLog& log);

/// The same at one position of the source, with the engine held: no difference is to be waited for.
/// Throws CutFailed, ConnectionError.
asio::awaitable<void> check_functions_at_position(Side& source, Side& target, EngineControl& engine,
                                                  VerifyReport& report, DifferenceLog& log);

}  // namespace lockstep::verifier
