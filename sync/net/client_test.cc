#include "sync/net/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "sync/base/error.h"
#include "sync/net/test_support.h"

// Peers that no Redis server can play; what servers do is in client_system_test.cc.

namespace lockstep::net {
namespace {

using asio::ip::tcp;
/// Accepts one connection on a free port, says `greeting`, then waits for the other side to close,
/// unless `hang_up`.
class Peer {
 public:
  Peer(std::string greeting, bool hang_up)
      : thread_([this, greeting, hang_up] { serve(greeting, hang_up); }) {}
  ~Peer() { thread_.join(); }
  Endpoint endpoint() const {
    return parse_endpoint("127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()));
  }

 private:
  void serve(const std::string& greeting, bool hang_up) {
    tcp::socket socket = acceptor_.accept();
    boost::system::error_code ignored;
    char request[1024];
    socket.read_some(asio::buffer(request), ignored);
    asio::write(socket, asio::buffer(greeting), ignored);
    while (!hang_up && socket.read_some(asio::buffer(request), ignored) > 0) {
    }
  }

  asio::io_context context_;
  tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
};

template <class Error>
std::string connect_message(Endpoint endpoint) {
  ClientOptions options;
  options.connect_timeout = options.reply_timeout = milliseconds(100);
  return message_of<Error>(Client::connect(std::move(endpoint), options));
}

TEST(Client, TimesOutOnSilence) {
  Peer peer("", false);
  EXPECT_PRED2(contains, connect_message<ConnectionError>(peer.endpoint()),
               "no reply within 100 ms");
}

TEST(Client, RecognisesWhatIsNotRedis) {
  Peer peer("HTTP/1.1 400 Bad Request\r\n\r\n", false);
  EXPECT_PRED2(contains, connect_message<UserError>(peer.endpoint()),
               "not a Redis server: it answers \"HTTP/1.1 400");
}

TEST(Client, RecognisesTheAlertOfATlsPort) {
  Peer peer("\x15\x03\x01\x00\x02\x02\x28", false);
  EXPECT_PRED2(contains, connect_message<UserError>(peer.endpoint()), "use rediss://");
}

TEST(Client, SaysThatItNeverGotAReply) {
  Peer peer("", true);
  EXPECT_PRED2(contains, connect_message<ConnectionError>(peer.endpoint()),
               "closed by the server before its first reply");
}

TEST(Client, WaitsForTlsNoLongerThanAsked) {
  Peer peer("", false);
  Endpoint endpoint = peer.endpoint();
  endpoint.tls = true;
  EXPECT_PRED2(contains, connect_message<ConnectionError>(endpoint), "no TLS answer within 100 ms");
}

TEST(Client, RecognisesAPlainPort) {
  Peer peer("-ERR unknown command\r\n", false);
  Endpoint endpoint = peer.endpoint();
  endpoint.tls = true;
  EXPECT_PRED2(contains, connect_message<UserError>(endpoint), "does not speak TLS on this port");
}

TEST(Client, NamesWhatRefused) {
  const Endpoint nobody = parse_endpoint("127.0.0.1:1");
  EXPECT_EQ(connect_message<ConnectionError>(nobody),
            "127.0.0.1:1: connection refused: is a server running there?");
  EXPECT_PRED2(contains, connect_message<ConnectionError>(parse_endpoint("no-such-host.invalid")),
               "no-such-host.invalid:6379: cannot find the host");
  EXPECT_PRED2(contains, connect_message<ConnectionError>(parse_endpoint("unix:///no/such/socket")),
               "/no/such/socket: No such file");
  EXPECT_PRED2(contains,
               connect_message<ConnectionError>(parse_endpoint("unix:///" + std::string(200, 'x'))),
               "path too long");
}

TEST(Client, NamesAFileThatCannotBeRead) {
  Peer peer("", true);
  Endpoint endpoint = peer.endpoint();
  endpoint.tls = true;
  endpoint.tls_options.ca_file = "/no/such.pem";
  EXPECT_PRED2(contains, connect_message<UserError>(endpoint), "cacert file /no/such.pem");
}

}  // namespace
}  // namespace lockstep::net
