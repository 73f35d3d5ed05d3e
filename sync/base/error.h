#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace lockstep {

/// What a `lockstep` process ends with. The same for every subcommand.
enum class ExitCode : int {
  ok = 0,         ///< equal, caught up, passed
  different = 1,  ///< a difference or a failure was found
  unknown = 2,    ///< could not tell, or could not do the work (unreachable, refused, disk full)
  bad_arguments = 254,  ///< flags, URLs, YAML
  crashed = 255,        ///< an unexpected error of our own
};

/// A failure that a person must act on. what() says what happened, to which server, key, command or
/// offset, and what to do. Thrown where the cause is known, caught once, in main.cc or by the
/// supervisor of a link.
class UserError : public std::runtime_error {
 public:
  explicit UserError(const std::string& message, ExitCode code = ExitCode::unknown)
      : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// Bytes of a peer or a file that are not what the format says. `offset` counts from the start of
/// that stream or file.
class FormatError : public std::runtime_error {
 public:
  FormatError(uint64_t offset, const std::string& context);
  uint64_t offset() const { return offset_; }

 private:
  uint64_t offset_;
};

/// A connection that failed: refused, closed by the peer, timed out. what() names the endpoint.
class ConnectionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace lockstep

/// Our own bugs only, never a peer's bytes. Always on.
#define LOCKSTEP_ASSERT(expression) \
  ((expression) ? void(0) : ::lockstep::assertion_failed(#expression, __FILE__, __LINE__))
