#pragma once

#include <boost/asio/awaitable.hpp>

#include "sync/rdb/digest.h"
#include "verifier/side.h"

namespace lockstep::verifier {

/// Values from so many bytes on are read in pieces: DUMP would keep the server busy for long, and
/// takes the value's size several times there.
inline constexpr uint64_t big_value_bytes = 4 << 20;

/// What becomes of reading a value in pieces.
enum class PiecesEnd : uint8_t {
  complete,
  gone,      ///< absent, or another type by now
  no_pieces  ///< streams, modules and what the node refuses: only DUMP shows all of it
};

/// Gives a value that is too big for one DUMP to `visitor`, by GETRANGE, LRANGE, HSCAN, SSCAN or
/// ZSCAN, some hundred kilobytes at a time: the members of sets, hashes and sorted sets in any
/// order, a string piece by piece. What is written meanwhile may be seen or not, and an element may
/// come twice then. REQUIRES: the node's connection is idle and in the key's database.
class PieceReader {
 public:
  PieceReader(Side& side, size_t node, rdb::Visitor& visitor);
  asio::awaitable<PiecesEnd> read(std::string key, rdb::Kind kind);
  /// Read so far.
  uint64_t bytes() const { return bytes_; }

 private:
  asio::awaitable<PiecesEnd> read_string(std::string key);
  asio::awaitable<PiecesEnd> read_list(std::string key);
  asio::awaitable<PiecesEnd> read_by_cursor(std::string key, rdb::Kind kind);
  asio::awaitable<bool> give_fields(std::string key, std::vector<resp::Value> fields);
  asio::awaitable<resp::Value> ask(std::vector<std::string> words);
  void give_members(const std::vector<resp::Value>& members, rdb::Kind kind);
  void adapt(size_t bytes);

  Side& side_;
  size_t index_;
  Node& node_;
  rdb::Visitor& visitor_;
  size_t elements_ = 16;  ///< of the next piece
  uint64_t bytes_ = 0;
  Pace pace_;  ///< of pieces: one alone takes longer than one of many commands in a pipeline
};

/// The digest of what a PieceReader gives: that of the whole value.
class PieceDigester : public rdb::Digester {
 public:
  explicit PieceDigester(rdb::Kind kind) : rdb::Digester(kind), kind_(kind) {}
  void on_string(Bytes piece) override { text_.add(piece); }
  uint64_t digest() const { return kind_ == rdb::Kind::string ? text_.finish().low : finish().low; }

 private:
  rdb::Kind kind_;
  rdb::StringDigester text_;
};

/// What TIME says; `otherwise` if the node hides it.
int64_t time_ms(const resp::Value& reply, int64_t otherwise);

/// What TYPE says; nullopt: the key is absent. A name that is none of ours is a module's.
std::optional<rdb::Kind> kind_of_name(Bytes name);

}  // namespace lockstep::verifier
