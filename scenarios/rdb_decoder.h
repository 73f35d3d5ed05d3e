#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <optional>

#include "scenarios/contents.h"
#include "sync/base/error.h"

namespace lockstep::scenarios {

namespace asio = boost::asio;

/// The decoder knows no files of this kind: nothing is said about the file.
class UnknownToDecoder : public UserError {
 public:
  using UserError::UserError;
};

/// The decoder of RDB files that ci/rdb-decoder installs, a program that owes nothing to us;
/// $LOCKSTEP_RDB_DECODER names another copy of it. nullopt: this machine has none.
std::optional<std::filesystem::path> find_rdb_decoder();

/// What a file holds, as that program tells it. Its outputs are left beside the file, with .rows,
/// .commands and .objects behind its name. taken_ms stays 0. Throws UserError with the program's
/// words if it cannot read the file, UnknownToDecoder if it says that it knows no such files.
asio::awaitable<Contents> decode_rdb_file(asio::any_io_executor executor,
                                          std::filesystem::path decoder, std::filesystem::path file,
                                          std::chrono::milliseconds limit);

}  // namespace lockstep::scenarios
