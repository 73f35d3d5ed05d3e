#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/certify/certificate.h"

namespace lockstep::scenarios::certify {

/// What is asked for, as the command line or a matrix file says it; empty: not given.
struct RequestFlags {
  std::vector<std::string> from, to;    ///< names, aliases, or "all": those installed
  std::vector<std::string> topologies;  ///< standalone, cluster
  std::vector<std::string> families;    ///< or "all": every one
  std::optional<uint64_t> cases, seed;
  std::string shard;  ///< "i/n", i from 0
};

/// Reads a matrix file strictly:
///
///     version: 1
///     from: [NAME, …]          # or all
///     to: all
///     topology: [standalone, cluster]
///     families: [NAME, …]
///     cases: 1
///     seed: 1
///
/// Throws UserError (bad_arguments) with file, line and column.
RequestFlags parse_matrix(const std::string& text, const std::string& file);
RequestFlags read_matrix(const std::string& path);
/// What `flags` leaves out is taken from `file`.
RequestFlags over(RequestFlags flags, const RequestFlags& file);

/// With every default, names as the catalogue has them and in its order. Throws UserError
/// (bad_arguments) that names the nearest known one.
Request make_request(const RequestFlags& flags);

/// "a,b" → a, b
std::vector<std::string> split_list(const std::string& text);

/// What differs between two requests, in words; empty: nothing.
std::string difference_of(const Request& before, const Request& now);

}  // namespace lockstep::scenarios::certify
