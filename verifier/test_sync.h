#pragma once

// For this folder's system tests: `lockstep sync` as a process of its own, with a control endpoint.

#include <nlohmann/json.hpp>

#include "fixtures/child.h"
#include "verifier/test_support.h"

namespace lockstep::verifier {

std::string numbered(const char* name, int number);

class TwoSidesAndEngine : public TwoSides {
 protected:
  /// Starts the engine; returns when its full copy is done.
  void start_engine(const Words& more_arguments = {});
  /// /status.
  nlohmann::json engine_status();
  std::string control() const { return "unix:" + (directory_.path() / "control").string(); }
  /// Returns when the engine has applied what the source has now.
  void await_caught_up();
  /// With the engine named, and the cut as given.
  VerifyOptions options_with(CutMode cut) const;

  /// Writes to the source from now on; returns when some of it has arrived.
  std::unique_ptr<Writer> write();
  /// Keys still0, still1, … that nobody writes any more.
  void fill(int count);

  std::unique_ptr<fixtures::Child> engine_;

 private:
  asio::awaitable<void> ask_status(nlohmann::json& status);
  asio::awaitable<void> await_streaming();
  asio::awaitable<void> await_applied();
};

}  // namespace lockstep::verifier
