#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sync/net/receive_buffer.h"
#include "verifier/readers.h"

namespace lockstep::verifier {

/// "file:dump.rdb".
bool is_file_url(const std::string& url);

/// An RDB file, in the place of a server. Every failure is a UserError that names the file and,
/// where bytes are bad, the offset.
class RdbFile {
 public:
  /// Opens it and reads what stands before the first key.
  explicit RdbFile(std::string url);
  ~RdbFile();
  RdbFile(const RdbFile&) = delete;
  RdbFile& operator=(const RdbFile&) = delete;

  const std::string& url() const { return url_; }
  /// Of the server that wrote it; "RDB version 9" where it does not say.
  const std::string& server_version() const { return server_version_; }
  const std::vector<DbKeys>& databases() const { return databases_; }
  /// A text that changes when the file does.
  std::string state() const;
  /// The same for all names of the same file.
  std::string identity() const;

  /// Gives every key with its offset. Lets other coroutines run in between.
  asio::awaitable<void> read(const Scope& scope, OnKey on_key, ReadCounters& counters);

  struct Wanted {
    DbIndex db;
    std::string key;
    std::optional<uint64_t> offset;  ///< nullopt: the file is read until it is found
  };
  struct Found {
    std::optional<std::string> payload;  ///< as DUMP gives it
    std::optional<ExpireAt> expire_at;
  };
  std::vector<Found> find(std::vector<Wanted> wanted);

 private:
  void read_preamble();
  void feed(SnapshotParser& parser, net::ReceiveBuffer& buffer, uint64_t& at);
  void require_end(uint64_t at) const;
  void locate(std::vector<Wanted>& wanted);
  Found read_at(const Wanted& wanted);
  size_t read_bytes(uint64_t offset, char* to, size_t count) const;
  [[noreturn]] void fail(const FormatError& error) const;

  std::string url_;
  std::string path_;
  int file_ = -1;
  uint64_t size_ = 0;
  std::string header_;
  uint16_t version_ = 0;
  std::string server_version_;
  std::vector<DbKeys> databases_;
};

}  // namespace lockstep::verifier
