#include "sync/net/client.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "sync/base/error.h"
#include "sync/net/deadline.h"
#include "sync/resp/encoder.h"

namespace lockstep::net {

namespace {

constexpr size_t read_bytes = 64 * 1024;
/// Requests up to this size are written before replies are read: they fit into socket buffers.
constexpr size_t write_first_bytes_max = 16 * 1024;

std::string encode(const std::vector<std::string>& args) {
  std::string out;
  const std::vector<Bytes> views(args.begin(), args.end());
  resp::append_command(out, views);
  return out;
}

}  // namespace

struct Client::Impl {
  std::unique_ptr<Stream> stream;
  ClientOptions options;
  resp::Parser parser;
  std::string input;
  size_t used = 0;
  std::string chunk = std::string(read_bytes, '\0');

  [[noreturn]] void timed_out() const {
    throw ConnectionError(fmt::format("{}: no answer within {} ms", stream->endpoint().label(), options.reply_timeout.count()));
  }

  asio::awaitable<void> write(std::string request) {
    const asio::const_buffer buffer(request.data(), request.size());
    co_await stream->write(std::span(&buffer, 1));
  }

  asio::awaitable<resp::Value> read_reply() {
    while (true) {
      const auto length = parse();
      if (length) {
        resp::Value value = parser.value();
        used += *length;
        co_return value;
      }
      input.erase(0, std::exchange(used, 0));
      co_await read_more();
    }
  }

  std::optional<size_t> parse() {
    try {
      return parser.parse(Bytes(input).substr(used));
    } catch (const FormatError& error) {
      throw ConnectionError(fmt::format("{}: this is not a Redis or Valkey server: it answered \"{}\"", stream->endpoint().label(),
                                        printable(Bytes(input).substr(used), 40)));
    }
  }

  asio::awaitable<void> read_more() {
    Deadline deadline(stream->executor(), options.reply_timeout, [this] { stream->close(); });
    bool failed = false;
    std::string why;
    try {
      const size_t n = co_await stream->read_some(asio::buffer(chunk));
      input.append(chunk, 0, n);
    } catch (const ConnectionError& error) {
      failed = true;
      why = error.what();
    }
    if (!failed) co_return;
    if (deadline.expired()) timed_out();
    throw ConnectionError(why);
  }

  asio::awaitable<std::vector<resp::Value>> read_replies(size_t count) {
    std::vector<resp::Value> replies;
    replies.reserve(count);
    while (replies.size() < count) replies.push_back(co_await read_reply());
    co_return replies;
  }
};

Client::Client() = default;
Client::~Client() = default;

asio::awaitable<std::unique_ptr<Client>> Client::connect(Endpoint endpoint, ClientOptions options) {
  std::unique_ptr<Client> client(new Client);
  client->impl_ = std::make_unique<Impl>();
  client->impl_->options = options;
  client->impl_->stream = co_await connect_stream(endpoint, options.connect_timeout);
  co_await client->log_in(endpoint);
  co_return client;
}

asio::awaitable<void> Client::log_in(Endpoint endpoint) {
  std::vector<std::string> request{"PING"};
  if (!endpoint.password.empty()) {
    request = {"AUTH"};
    if (!endpoint.user.empty()) request.push_back(endpoint.user);
    request.push_back(endpoint.password);
  }
  const resp::Value reply = co_await command(request);
  if (!reply.is_error()) co_return;
  const std::string& user = endpoint.user.empty() ? std::string("default") : endpoint.user;
  if (request.front() == "AUTH") {
    const bool none_set = reply.text.find("without any password") != std::string::npos || reply.text.find("no password is set") != std::string::npos;
    if (none_set) co_return;  // a password where none is needed does no harm
    throw UserError(fmt::format("{}: the password of user \"{}\" was refused: {}; give the right one in the URL (user:password@)", endpoint.label(), user, reply.text));
  }
  if (reply.error_code() == "NOAUTH" || reply.text.find("operation not permitted") != std::string::npos) {
    throw UserError(fmt::format("{}: the server wants a password: give it in the URL (:password@ or user:password@)", endpoint.label()));
  }
  // LOADING and the like are for the caller; NOPERM for PING says nothing about what it wants to do.
}

asio::awaitable<resp::Value> Client::command(std::vector<std::string> args) {
  co_await impl_->write(encode(args));
  co_return co_await impl_->read_reply();
}

asio::awaitable<resp::Value> Client::command_or_throw(std::vector<std::string> args) {
  resp::Value reply = co_await command(args);
  if (reply.is_error()) {
    const bool subcommand = args.size() > 1 && args[0] != "AUTH" && args[1].size() < 24;
    throw UserError(fmt::format("{}: {}{}: {}", endpoint().label(), args[0], subcommand ? " " + printable(args[1]) : "", reply.text));
  }
  co_return reply;
}

asio::awaitable<std::vector<resp::Value>> Client::pipeline(std::string requests, size_t reply_count) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT: the library's way
  if (reply_count == 0) co_return std::vector<resp::Value>();
  if (requests.size() <= write_first_bytes_max) {
    co_await impl_->write(std::move(requests));
    co_return co_await impl_->read_replies(reply_count);
  }
  co_return co_await (impl_->write(std::move(requests)) && impl_->read_replies(reply_count));
}

const Endpoint& Client::endpoint() const { return impl_->stream->endpoint(); }
Stream& Client::stream() { return *impl_->stream; }
void Client::close() { impl_->stream->close(); }

}  // namespace lockstep::net
