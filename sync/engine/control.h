#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

namespace lockstep::engine {

class Engine;

/// HTTP/1.1 over a Unix socket ("unix:/path", mode 0600, removed at the end) or a loopback port
/// ("127.0.0.1:9000", "[::1]:9000"):
///   GET  /status   JSON        GET  /metrics  Prometheus text
///   POST /hold     answers when nothing is in flight, with the status; /release; /finalize answers
///   when finished; /stop
/// To look at the target at an exact position of its sources:
///   POST /hold?lease=MS      ends by itself after so many ms; its id is hold.id in the answer
///   POST /advance?hold=ID    {"positions": [{"replid": "…", "offset": N}, …]}: applies each of
///   these
///                            streams up to its offset exactly; answers when the target stands
///                            there, with the keys that fences have put ahead of their link
///   POST /release?hold=ID    409 if that hold had ended before
/// 409: it cannot be as asked; the body says why.
/// Other addresses than loopback are refused: there is no authentication.
class Control {
 public:
  /// Binds and begins to serve; throws UserError that names the address.
  Control(boost::asio::any_io_executor executor, const std::string& address, Engine& engine);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lockstep::engine
