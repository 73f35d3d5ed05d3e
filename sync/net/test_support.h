#pragma once

// For tests of this module and those above it.

#include <string>

#include "fixtures/run.h"
#include "sync/net/stream.h"

namespace lockstep::net {

using fixtures::run;

/// The message of the `Error` that `task` throws; "" if it throws none.
template <class Error, class T>
std::string message_of(asio::awaitable<T> task) {
  try {
    run(std::move(task));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// For EXPECT_PRED2, which prints both.
inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace lockstep::net
