#include "sync/net/receive_buffer.h"
#include "verifier/readers.h"

namespace lockstep::verifier {

namespace {

constexpr size_t read_bytes = 256 * 1024;

}  // namespace

asio::awaitable<Snapshot> attach_snapshot(net::Endpoint endpoint, bool at_once) {
  psync::HandshakeOptions handshake;
  handshake.capa_eof = !at_once;
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

asio::awaitable<void> read_snapshot(Snapshot snapshot, const Scope& scope, OnKey on_key,
                                    ReadCounters& counters) {
  SnapshotParser parser(
      [&](const KeySeen& seen) {
        ++counters.keys;
        on_key(seen);
      },
      {.scope = &scope, .with_offsets = false});
  net::ReceiveBuffer buffer(read_bytes);
  while (!parser.done()) {
    const size_t got = co_await snapshot.link->read_some(buffer.prepare(parser.needed()));
    buffer.commit(got);
    counters.bytes += got;
    buffer.consume(parser.consume(buffer.data()));
    counters.population += parser.take_population();
  }
  counters.functions += parser.functions();
  snapshot.link->close();
}

}  // namespace lockstep::verifier
