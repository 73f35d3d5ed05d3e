#pragma once

// For tests of this module and those above it.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

#include "sync/net/stream.h"

namespace lockstep::net {

/// Runs one coroutine to its end on an io_context of its own; throws what it throws.
template <class T>
T run(asio::awaitable<T> task) {
  asio::io_context context;
  std::exception_ptr failure;
  std::optional<T> result;
  asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
    failure = error;
    if (!error) result = std::move(value);
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

inline void run(asio::awaitable<void> task) {
  asio::io_context context;
  std::exception_ptr failure;
  asio::co_spawn(context, std::move(task), [&](std::exception_ptr error) { failure = error; });
  context.run();
  if (failure) std::rethrow_exception(failure);
}

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
