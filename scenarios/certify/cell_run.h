#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scenarios/certify/certificate.h"
#include "scenarios/certify/server_facts.h"
#include "scenarios/certify/server_pool.h"
#include "scenarios/result.h"
#include "scenarios/scenario.h"

namespace lockstep::scenarios::certify {

/// What all cells of a run share.
struct RunContext {
  asio::any_io_executor executor;
  Request request;
  Facts facts;
  std::filesystem::path directory;        ///< what did not pass is kept in it
  std::vector<std::string> server_flags;  ///< that a reproduction needs
  ServerPool* pool = nullptr;
};

/// Tries one cell: a case of each family (as many as asked for), further ones for goals that were
/// not met, and says what came out. `seed`: of its first case; it may use `seeds_of_a_cell` from
/// there on.
inline constexpr uint64_t seeds_of_a_cell = 10'000;
asio::awaitable<Cell> run_cell(const RunContext& context, Cell cell);

}  // namespace lockstep::scenarios::certify
