#include "sync/net/receive_buffer.h"
#include "sync/psync/replica_link.h"
#include "verifier/readers.h"

namespace lockstep::verifier {

namespace {

constexpr size_t read_bytes = 256 * 1024;

/// The link, or why there is none.
asio::awaitable<std::unique_ptr<psync::ReplicaLink>> attach(net::Endpoint endpoint) {
  psync::HandshakeOptions handshake;
  std::string refusal;
  try {
    auto link = co_await psync::ReplicaLink::open(endpoint, handshake);
    co_return link;
  } catch (const UserError& error) {
    refusal = error.what();
  }
  throw SnapshotRefused(refusal);
}

}  // namespace

asio::awaitable<void> read_snapshot(net::Endpoint endpoint, const Scope& scope, OnKey on_key,
                                    ReadCounters& counters) {
  const auto link = co_await attach(endpoint);
  SnapshotParser parser(
      [&](const KeySeen& seen) {
        ++counters.keys;
        on_key(seen);
      },
      {.scope = &scope, .with_offsets = false});
  net::ReceiveBuffer buffer(read_bytes);
  while (!parser.done()) {
    const size_t got = co_await link->read_some(buffer.prepare(parser.needed()));
    buffer.commit(got);
    counters.bytes += got;
    buffer.consume(parser.consume(buffer.data()));
    counters.population += parser.take_population();
  }
  counters.functions += parser.functions();
  link->close();
}

}  // namespace lockstep::verifier
