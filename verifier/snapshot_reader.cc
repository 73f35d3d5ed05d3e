#include "sync/net/receive_buffer.h"
#include "sync/psync/replica_link.h"
#include "verifier/readers.h"

namespace lockstep::verifier {

namespace {

constexpr size_t read_bytes = 256 * 1024;

}  // namespace

asio::awaitable<void> read_snapshot(net::Endpoint endpoint, OnKey on_key, ReadCounters& counters) {
  psync::HandshakeOptions handshake;
  const auto link = co_await psync::ReplicaLink::open(endpoint, handshake);
  SnapshotParser parser([&](const KeySeen& seen) {
    ++counters.keys;
    on_key(seen);
  });
  net::ReceiveBuffer buffer(read_bytes);
  while (!parser.done()) {
    const size_t got = co_await link->read_some(buffer.prepare(parser.needed()));
    buffer.commit(got);
    counters.bytes += got;
    buffer.consume(parser.consume(buffer.data()));
  }
  counters.functions += parser.functions();
  link->close();
}

}  // namespace lockstep::verifier
