#include <fmt/format.h>

#include "sync/net/receive_buffer.h"
#include "verifier/readers.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

namespace {

constexpr size_t read_bytes = 256 * 1024;

asio::awaitable<void> read_once(Node& node, Transfer transfer, const Scope& scope, OnKey on_key,
                                ReadCounters& counters) {
  Snapshot snapshot = co_await attach_snapshot(node.endpoint, transfer);
  node.snapshot = {snapshot.link->start().offset, std::chrono::steady_clock::now()};
  co_await read_attached_snapshot(std::move(snapshot), scope, std::move(on_key), counters);
}

/// Could the server not write its last file? It asks on a connection of its own: the node's belongs
/// to another thread.
asio::awaitable<bool> save_failed(net::Endpoint endpoint) {
  const auto client = co_await net::Client::connect(std::move(endpoint));
  std::vector<std::string> request{"INFO", "persistence"};
  const resp::Value info = co_await client->command_or_throw(std::move(request));
  co_return info_field(info.text, "rdb_last_bgsave_status") == "err";
}

/// False: the server cannot write a file.
asio::awaitable<bool> read_by_disk(Node& node, const Scope& scope, OnKey on_key,
                                   ReadCounters& counters) {
  std::exception_ptr failure;
  try {
    co_await read_once(node, Transfer::disk, scope, std::move(on_key), counters);
    co_return true;
  } catch (const NothingSent&) {
    failure = std::current_exception();
  } catch (const SnapshotRefused&) {
    failure = std::current_exception();
  }
  const bool failed = co_await save_failed(node.endpoint);
  if (!failed) std::rethrow_exception(failure);
  co_return false;
}

}  // namespace

asio::awaitable<Snapshot> attach_snapshot(net::Endpoint endpoint, Transfer transfer) {
  psync::HandshakeOptions handshake;
  handshake.capa_eof = transfer == Transfer::stream;
  handshake.snapshot_only = true;
  std::string refusal;
  try {
    Snapshot snapshot;
    snapshot.link = co_await psync::ReplicaLink::open(endpoint, handshake);
    co_return snapshot;
  } catch (const UserError& error) {
    refusal = error.what();
  }
  throw SnapshotRefused(refusal);
}

asio::awaitable<void> read_attached_snapshot(Snapshot snapshot, const Scope& scope, OnKey on_key,
                                             ReadCounters& counters) {
  SnapshotParser parser(
      [&](const KeySeen& seen) {
        ++counters.keys;
        on_key(seen);
      },
      {.scope = &scope, .with_offsets = false});
  net::ReceiveBuffer buffer(read_bytes);
  while (!parser.done()) {
    size_t got = 0;
    try {
      got = co_await snapshot.link->read_some(buffer.prepare(parser.needed()));
    } catch (const ConnectionError& error) {
      if (parser.offset() > 0) throw;
      throw NothingSent(error.what());
    }
    buffer.commit(got);
    const uint64_t before = parser.offset();
    buffer.consume(parser.consume(buffer.data()));
    counters.bytes += parser.offset() - before;  // without what keeps the link alive
    counters.population += parser.take_population();
  }
  counters.functions += parser.functions();
  snapshot.link->close();
}

asio::awaitable<void> read_snapshot(Node& node, Transfer transfer, const Scope& scope, OnKey on_key,
                                    ReadCounters& counters) {
  if (transfer != Transfer::disk) {
    co_await read_once(node, Transfer::stream, scope, std::move(on_key), counters);
    co_return;
  }
  const bool read = co_await read_by_disk(node, scope, std::move(on_key), counters);
  if (read) co_return;
  throw UserError(fmt::format(
      "{} cannot write its snapshot to its disk: is there room for a file as large as its data, "
      "and may it write to its directory? Its log says more; --transfer stream needs no file",
      node.endpoint.label()));
}

}  // namespace lockstep::verifier
