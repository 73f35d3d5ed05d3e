#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace lockstep::engine {

enum class ExistingData : uint8_t {
  stop,       ///< a target that holds keys fails the precheck
  overwrite,  ///< keys of the source replace those of the target; others stay
};
enum class ExpiryMode : uint8_t {
  replica,  ///< expiries reach the target later by the grace; the source's own DEL removes the key
  exact,    ///< expiries as they are; the target expires keys by itself
};
enum class OnUnsupported : uint8_t {
  stop,    ///< a key that the target cannot hold fails the task
  report,  ///< it is left out, counted and listed
};
enum class Until : uint8_t {
  stopped,    ///< follow the source until told to stop
  caught_up,  ///< finish once all that was written before the full copy ended is applied
};

/// `lockstep sync`: flags and the keys of a job file have these names with '-' for '_'.
struct SyncOptions {
  std::vector<std::string> from;  ///< one standalone server or replica, any one node of a cluster,
                                  ///< or the servers behind a Twemproxy
  std::vector<std::string> to;  ///< each a standalone server or any one node of a cluster; several:
                                ///< each gets a full copy
  std::string from_topology = "auto";  ///< auto, standalone or cluster: what the source must be
  std::string to_topology = "auto";
  ExistingData existing = ExistingData::stop;
  ExpiryMode expiry = ExpiryMode::replica;
  std::chrono::milliseconds expiry_grace{std::chrono::hours(1)};  ///< mode replica only
  OnUnsupported unsupported = OnUnsupported::stop;
  std::string unsupported_list;  ///< where keys are listed that were left out; empty: nowhere
  Until until = Until::stopped;
  bool publish = false;          ///< forward PUBLISH
  std::string control;           ///< unix:PATH or 127.0.0.1:PORT; empty: no control endpoint
  std::set<std::string> ignore;  ///< precheck items that shall not stop the task
  std::filesystem::path spool_dir = ".";  ///< where the stream is kept when the target is slower
  uint64_t spool_memory = 48ull << 20;    ///< bytes per link in memory before the disk is used
  uint64_t spool_disk_max = 0;            ///< bytes per link on disk; 0: no bound but the disk
  uint64_t in_flight = 4ull << 20;        ///< bytes per target node sent and not yet answered
  std::chrono::milliseconds retry_for{
      std::chrono::minutes(720)};  ///< a lost server may be away this long
  std::string log_level = "info";
  std::string log_file;  ///< empty: standard error
  bool quiet = false;    ///< no progress
};

/// Throws UserError (bad_arguments) on a combination that cannot be.
void validate(const SyncOptions& options);

}  // namespace lockstep::engine
