#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

struct CertifyOptions {
  Request request;
  std::filesystem::path out;              ///< where the certificate is kept, and what it needs
  unsigned jobs = 0;                      ///< cells at the same time; 0: as fit this machine
  std::vector<std::string> server_flags;  ///< that added to the catalogue, to repeat a case
  std::string command;                    ///< as it was typed
  bool again = false;  ///< try all cells again that are not certified, whatever the reason
};

/// Runs the cells that `out`/certificate.json does not have yet, or that the environment ended, and
/// writes it anew after each; what earlier attempts at a cell have found stays with it. Returns the
/// whole certificate. Throws UserError: bad_arguments if no cell is possible, or if `out` holds the
/// certificate of another request, of other servers or of another lockstep.
Certificate run_certify(const CertifyOptions& options);

/// How many cells fit a machine: their processes wait for one another most of the time.
unsigned jobs_that_fit(unsigned cores, uint64_t memory_bytes);

}  // namespace lockstep::scenarios::certify
