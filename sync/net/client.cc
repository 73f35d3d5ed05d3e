#include "sync/net/client.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <charconv>

#include "sync/base/error.h"
#include "sync/base/units.h"
#include "sync/net/deadline.h"
#include "sync/net/receive_buffer.h"
#include "sync/resp/encoder.h"

namespace lockstep::net {
namespace {

/// Requests up to this size fit into the sockets' buffers even when the peer waits for us to read.
constexpr size_t written_at_once_max = 32 * 1024;
/// What is written without a sign of life from the server counts against the reply timeout.
constexpr size_t write_piece = 1 << 20;

void append_request(std::string& out, const std::vector<std::string>& args) {
  resp::append_array_header(out, args.size());
  for (const std::string& arg : args) resp::append_bulk(out, arg);
}

}  // namespace

struct Client::Impl {
  std::unique_ptr<Stream> stream;
  ClientOptions options;
  ReceiveBuffer received{};
  resp::Parser parser{};
  bool answered = false;  ///< at least once: so it is a Redis server
  bool closed = false;
  std::optional<uint32_t> version{};

  [[noreturn]] void fail(const std::string& what) {
    close();
    throw ConnectionError(fmt::format("{}: {}", stream->endpoint().label(), what));
  }
  void close() {
    closed = true;
    stream->close();
  }

  asio::awaitable<void> write(std::string requests, Deadline& deadline);
  asio::awaitable<resp::Value> read_one(Deadline& deadline);
  asio::awaitable<void> read_all(std::vector<resp::Value>& replies, size_t count,
                                 Deadline& deadline);
  asio::awaitable<void> exchange(std::string requests, std::vector<resp::Value>& replies,
                                 size_t count, milliseconds limit);
  [[noreturn]] void explain(const FormatError& error);
  [[noreturn]] void explain(const ConnectionError& error, const Deadline& deadline,
                            milliseconds limit);
};

asio::awaitable<void> Client::Impl::write(std::string requests, Deadline& deadline) {
  for (size_t at = 0; at < requests.size(); at += write_piece) {
    const asio::const_buffer piece =
        asio::buffer(requests.data() + at, std::min(write_piece, requests.size() - at));
    const std::span<const asio::const_buffer> buffers(&piece, 1);
    co_await stream->write(buffers);
    deadline.touch();
  }
}

asio::awaitable<resp::Value> Client::Impl::read_one(Deadline& deadline) {
  while (true) {
    if (const auto length = parser.parse(received.data())) {
      resp::Value value = parser.value();
      received.consume(*length);
      answered = true;
      co_return value;
    }
    const size_t size = co_await stream->read_some(received.prepare(parser.needed()));
    received.commit(size);
    deadline.touch();
  }
}

asio::awaitable<void> Client::Impl::read_all(std::vector<resp::Value>& replies, size_t count,
                                             Deadline& deadline) {
  while (replies.size() < count) replies.push_back(co_await read_one(deadline));
}

asio::awaitable<void> Client::Impl::exchange(std::string requests,
                                             std::vector<resp::Value>& replies, size_t count,
                                             milliseconds limit) {
  using namespace asio::experimental::awaitable_operators;
  if (closed) fail("the connection is closed");
  Deadline deadline(stream->executor(), limit, [this] { stream->close(); });
  std::optional<FormatError> malformed;
  std::optional<ConnectionError> broken;
  try {
    if (requests.size() <= written_at_once_max) {
      co_await write(std::move(requests), deadline);
      co_await read_all(replies, count, deadline);
    } else {
      auto both = write(std::move(requests), deadline) && read_all(replies, count, deadline);
      co_await std::move(both);
    }
  } catch (const FormatError& error) {
    malformed = error;
  } catch (const ConnectionError& error) {
    broken = error;
  }
  if (malformed) explain(*malformed);
  if (broken) explain(*broken, deadline, limit);
}

void Client::Impl::explain(const FormatError& error) {
  const std::string label = stream->endpoint().label();
  const Bytes data = received.data();
  close();
  if (answered)
    throw ConnectionError(fmt::format("{}: not a Redis reply: {}", label, error.what()));
  // A TLS server answers what is not TLS with an alert record: 0x15, then the version 3.x.
  if (data.starts_with("\x15\x03")) {
    throw UserError(fmt::format("{}: the server speaks TLS on this port: use rediss://", label));
  }
  throw UserError(
      fmt::format("{}: this is not a Redis server: it answers \"{}\"", label, printable(data, 40)));
}

void Client::Impl::explain(const ConnectionError& error, const Deadline& deadline,
                           milliseconds limit) {
  close();
  if (deadline.expired()) {
    fail(fmt::format("no reply within {}{}", format_duration(limit),
                     answered ? "" : ": is it a Redis server?"));
  }
  if (answered) throw error;
  throw ConnectionError(
      fmt::format("{} before its first reply: is it a Redis server, and does this port speak TLS "
                  "(rediss://) or not?",
                  error.what()));
}

Client::Client() : impl_(std::make_unique<Impl>()) {}
Client::~Client() = default;

namespace {

std::string user_name(const Endpoint& endpoint) {
  return endpoint.user.empty() ? "the default user" : fmt::format("user \"{}\"", endpoint.user);
}

/// The server has no password: whoever connects is let in.
bool password_not_needed(const resp::Value& reply) {
  return reply.text.find("without any password configured") != std::string::npos ||
         reply.text.find("no password is set") != std::string::npos;
}

void check_auth(const Endpoint& endpoint, const resp::Value& reply) {
  if (!reply.is_error() || reply.error_code() == "LOADING" || password_not_needed(reply)) return;
  const bool no_users =
      !endpoint.user.empty() && reply.text.find("wrong number of arguments") != std::string::npos;
  throw UserError(fmt::format(
      "{}: cannot log in as {}: {}. {}", endpoint.label(), user_name(endpoint), reply.text,
      no_users ? "This server has no users (Redis before 6.0): leave the user out"
               : "Check the password in the URL (redis://user:password@host, '%' escapes)"));
}

void check_ping(const Endpoint& endpoint, const resp::Value& reply) {
  if (!reply.is_error()) return;
  const Bytes code = reply.error_code();
  const bool wants_password =
      code == "NOAUTH" || reply.text.find("operation not permitted") != std::string::npos;
  if (wants_password) {
    throw UserError(
        fmt::format("{}: the server wants a password: put it in the URL, "
                    "redis://user:password@host or redis://:password@host",
                    endpoint.label()));
  }
  if (code == "DENIED") throw UserError(fmt::format("{}: {}", endpoint.label(), reply.text));
  if (reply.text.find("max number of clients") != std::string::npos) {
    throw ConnectionError(fmt::format("{}: {}", endpoint.label(), reply.text));
  }
}

}  // namespace

asio::awaitable<std::unique_ptr<Client>> Client::connect(Endpoint endpoint, ClientOptions options) {
  std::unique_ptr<Client> client(new Client);
  client->impl_->stream = co_await connect_stream(endpoint, options.connect_timeout);
  client->impl_->options = options;
  co_await client->log_in();
  if (*options.name == 0) co_return client;
  std::vector<std::string> set_name{"CLIENT", "SETNAME", options.name};
  bool named = true;
  try {
    co_await client->command(std::move(set_name));
  } catch (const ConnectionError&) {
    named = false;
  }
  if (named) co_return client;
  // Some proxies close the connection on a command that they do not know.
  options.name = "";
  co_return co_await connect(std::move(endpoint), std::move(options));
}

asio::awaitable<void> Client::log_in() {
  const Endpoint& login = endpoint();
  if (!login.password.empty() || !login.user.empty()) {
    std::vector<std::string> auth{"AUTH"};
    if (!login.user.empty()) auth.push_back(login.user);
    auth.push_back(login.password);
    check_auth(login, co_await command(std::move(auth)));
  }
  std::vector<std::string> ping{"PING"};
  check_ping(login, co_await command(std::move(ping)));
}

asio::awaitable<resp::Value> Client::command(std::vector<std::string> args) {
  std::string request;
  append_request(request, args);
  std::vector<resp::Value> replies;
  co_await impl_->exchange(std::move(request), replies, 1, impl_->options.reply_timeout);
  co_return std::move(replies.front());
}

asio::awaitable<resp::Value> Client::command_or_throw(std::vector<std::string> args) {
  const std::string name = args.front();
  resp::Value reply = co_await command(std::move(args));
  if (reply.is_error()) {
    throw UserError(fmt::format("{}: {} …: {}", endpoint().label(), name, reply.text));
  }
  co_return reply;
}

asio::awaitable<std::vector<resp::Value>> Client::pipeline(std::string requests,
                                                           size_t reply_count) {
  std::vector<resp::Value> replies;
  replies.reserve(reply_count);
  co_await impl_->exchange(std::move(requests), replies, reply_count, impl_->options.reply_timeout);
  co_return replies;
}

asio::awaitable<resp::Value> Client::read_reply(milliseconds limit) {
  std::vector<resp::Value> replies;
  co_await impl_->exchange({}, replies, 1, limit);
  co_return std::move(replies.front());
}

namespace {

/// "redis_version:7.0.15" in an INFO reply as 70015.
uint32_t parse_version(Bytes info) {
  static constexpr Bytes field = "redis_version:";
  const size_t at = info.find(field);
  if (at == Bytes::npos) return 0;
  const char* p = info.data() + at + field.size();
  const char* const end = info.data() + info.size();
  uint32_t version = 0;
  for (int part = 0; part < 3; ++part) {
    uint32_t number = 0;
    p = std::from_chars(p, end, number).ptr;
    version = version * 100 + std::min<uint32_t>(number, 99);
    if (p != end && *p == '.') ++p;
  }
  return version;
}

}  // namespace

asio::awaitable<uint32_t> Client::server_version() {
  if (!impl_->version) {
    std::vector<std::string> info{"INFO", "server"};
    const resp::Value reply = co_await command(std::move(info));
    if (reply.is_error()) co_return 0;
    impl_->version = parse_version(reply.text);
  }
  co_return *impl_->version;
}

const Endpoint& Client::endpoint() const { return impl_->stream->endpoint(); }
Stream& Client::stream() { return *impl_->stream; }
void Client::close() { impl_->close(); }

}  // namespace lockstep::net
