// Values that come in pieces, and keys that cannot be read.

#include <fmt/format.h>

#include "sync/base/error.h"
#include "sync/resp/encoder.h"
#include "verifier/database_scan.h"
#include "verifier/payload_digest.h"
#include "verifier/piece_reader.h"

namespace lockstep::verifier {

asio::awaitable<uint64_t> DatabaseScan::digest_pieces() {
  rdb::StringDigester digester;
  while (reader_.left() > 0) {
    const Bytes piece = reader_.piece();
    digester.add(piece);
    if (piece.empty()) co_await reader_.receive();
  }
  co_return digester.finish().low;
}

asio::awaitable<void> DatabaseScan::digest_payload_pieces(ScannedKey key) {
  PayloadDigest digest(reader_.left());
  bool decoded = true;
  while (reader_.left() > 0) {
    const Bytes piece = reader_.piece();
    try {
      if (decoded) digest.add(piece);
    } catch (const FormatError&) {
      decoded = false;
    }
    if (piece.empty()) co_await reader_.receive();
  }
  if (!decoded) {
    give_up(key);
    co_return;
  }
  key.kind = digest.value().kind;
  key.digest = digest.value().digest;
  read_.push_back(std::move(key));
}

/// Nothing else is on its way then.
asio::awaitable<void> DatabaseScan::read_big() {
  ScannedKeys keys = std::exchange(queues_.big, {});
  for (ScannedKey& key : keys) co_await read_big_key(std::move(key));
}

asio::awaitable<void> DatabaseScan::read_big_key(ScannedKey key) {
  std::vector<std::string> type{"TYPE", key.name};
  const resp::Value told = co_await node_.client->command(std::move(type));
  const auto kind = told.is_error() ? std::nullopt : kind_of_name(told.text);
  if (!kind) {
    give_up(key);
    co_return;
  }
  PieceDigester digester(*kind);
  PieceReader reader(side_, index_, digester);
  const PiecesEnd end = co_await reader.read(key.name, *kind);
  if (end == PiecesEnd::no_pieces) {
    key.whole = true;
    key.no_string = kind != rdb::Kind::string;
    enqueue(std::move(key));
    co_return;
  }
  const bool there = co_await read_big_expiry(key);
  if (end == PiecesEnd::gone || !there) {
    give_up(key);
    co_return;
  }
  key.kind = *kind;
  key.digest = digester.digest();
  page_of(key).bytes += reader.bytes();
  finish(std::move(key));
}

/// False: the key is not there.
asio::awaitable<bool> DatabaseScan::read_big_expiry(ScannedKey& key) {
  std::string requests;
  resp::append_command(requests, {"TIME"});
  resp::append_command(requests, {ways_.absolute ? "PEXPIRETIME" : "PTTL", key.name});
  resp::append_command(requests, {"TIME"});
  co_await side_.await_turn(index_, 3);
  const auto replies = co_await node_.client->pipeline(std::move(requests), 3);
  if (replies[1].is_error()) refuse(key, replies[1].text);
  if (replies[1].integer < 0) co_return replies[1].integer == -1;
  key.expire_at = ExpireAt{replies[1].integer};
  const int64_t now_ms = side_.now_ms(index_);
  if (!ways_.absolute) make_absolute(key, time_ms(replies[0], now_ms), time_ms(replies[2], now_ms));
  co_return true;
}

void DatabaseScan::refuse(const ScannedKey& key, Bytes error) const {
  for (const Bytes passing : {"LOADING", "CLUSTERDOWN", "BUSY", "MASTERDOWN"}) {
    if (error.starts_with(passing))
      throw ConnectionError(fmt::format("{}: {}", node_.endpoint.label(), error));
  }
  throw UserError(
      fmt::format("{}: the key {} cannot be read: {}; verifying needs +dump +pttl "
                  "+pexpiretime +time, and is faster with +mget +memory|usage",
                  node_.endpoint.label(), printable(key.name), error));
}

}  // namespace lockstep::verifier
