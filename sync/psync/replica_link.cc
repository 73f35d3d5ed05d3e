#include "sync/psync/replica_link.h"

#include <fmt/format.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "sync/base/error.h"
#include "sync/net/client.h"
#include "sync/net/deadline.h"
#include "sync/net/receive_buffer.h"
#include "sync/psync/handshake.h"
#include "sync/resp/encoder.h"

namespace lockstep::psync {
namespace {

using net::asio::awaitable;
using Clock = std::chrono::steady_clock;

constexpr size_t handshake_read_bytes = 4096;
constexpr std::chrono::milliseconds retry_pause{200};

class Link : public ReplicaLink {
 public:
  Link(std::unique_ptr<net::Client> client, HandshakeOptions options)
      : client_(std::move(client)),
        options_(std::move(options)),
        silence_(client_->stream().executor(), options_.reply_timeout, [this] { close(); }) {
    silence_.pause();
  }

  awaitable<void> shake_hands() {
    std::vector<std::vector<std::string>> only = snapshot_only_requests(options_);
    std::vector<std::string> port{"REPLCONF", "listening-port",
                                  std::to_string(options_.listening_port)};
    co_await configure(std::move(port));
    co_await configure(capabilities(options_));
    co_await configure(announced_version());
    for (std::vector<std::string>& request : only) co_await configure(std::move(request));
    const auto end = Clock::now() + options_.reply_timeout;
    while (true) {
      const std::optional<NotNow> not_now = co_await ask();
      if (!not_now) co_return;
      if (Clock::now() > end) {
        throw ConnectionError(fmt::format("{}: no replica now: {}", label(), not_now->why));
      }
      net::asio::steady_timer timer(client_->stream().executor(), retry_pause);
      co_await timer.async_wait(net::asio::use_awaitable);
    }
  }

  const SyncStart& start() const override { return start_; }

  awaitable<size_t> read_some(net::asio::mutable_buffer buffer) override {
    const Bytes early = received_.data();
    if (early.empty()) co_return co_await read_socket(buffer);
    const size_t size = std::min(buffer.size(), early.size());
    std::memcpy(buffer.data(), early.data(), size);
    received_.consume(size);
    co_return size;
  }

  awaitable<void> ack(Offset offset) override {
    if (start_.plain_sync) co_return;  // a server without PSYNC does not know REPLCONF ACK
    const std::string position = std::to_string(offset.value);
    std::string request;
    resp::append_command(request, {"REPLCONF", "ACK", position});
    co_await send(std::move(request));
  }

  void close() override {
    silence_.stop();
    client_->close();
  }

 private:
  std::string label() const { return client_->endpoint().label(); }

  awaitable<void> configure(std::vector<std::string> request) {
    const resp::Value reply = co_await client_->command(std::move(request));
    check_replconf(reply, label());
  }

  /// PSYNC once, and SYNC where that is all the source knows; the reason if it cannot serve us now.
  awaitable<std::optional<NotNow>> ask() {
    co_await send(psync_request(options_));
    std::string line = co_await read_line();
    if (const auto held = parse_held_stream(line, label()); held && options_.snapshot_only) {
      co_await let_go(*held);
      line = co_await read_line();
    }
    const PsyncAnswer answer = parse_psync_answer(line, options_.resume, label());
    if (const auto* const start = std::get_if<SyncStart>(&answer)) start_ = *start;
    if (const auto* const not_now = std::get_if<NotNow>(&answer)) co_return *not_now;
    if (!std::holds_alternative<UseSync>(answer)) co_return std::nullopt;
    co_await send("SYNC\r\n");
    const char first = co_await peek();
    if (first == '-') {
      const std::string error = co_await read_line();
      co_return parse_sync_error(error, label());
    }
    start_ = {.kind = SyncKind::full_sync, .replid = {}, .offset = {}, .plain_sync = true};
    co_return std::nullopt;
  }

  /// Nobody will ask for the stream, so the source need not hold it. If it cannot be told, it
  /// notices by itself a while after the end of the snapshot.
  awaitable<void> let_go(HeldStream held) {
    net::ClientOptions client_options;
    client_options.connect_timeout = options_.connect_timeout;
    client_options.reply_timeout = options_.reply_timeout;
    std::vector<std::vector<std::string>> requests = take_held_stream(held);
    try {
      const auto main_channel = co_await net::Client::connect(client_->endpoint(), client_options);
      for (std::vector<std::string>& request : requests) {
        co_await main_channel->command(std::move(request));
      }
    } catch (const ConnectionError&) {
    } catch (const UserError&) {
    }
  }

  awaitable<void> send(std::string request) {
    const net::asio::const_buffer buffer = net::asio::buffer(request);
    const std::span<const net::asio::const_buffer> buffers(&buffer, 1);
    co_await client_->stream().write(buffers);
  }

  /// The next line that is not a keep-alive.
  awaitable<std::string> read_line() {
    co_await peek();
    while (received_.data().find('\n') == Bytes::npos) {
      if (received_.data().size() > handshake_read_bytes) {
        throw FormatError(0, fmt::format("{}: the answer to PSYNC has no end", label()));
      }
      co_await read_more();
    }
    const Bytes data = received_.data();
    const size_t end = data.find('\n');
    std::string line(data.substr(0, end));
    received_.consume(end + 1);
    if (line.ends_with('\r')) line.pop_back();
    co_return line;
  }

  /// The first byte that is not a keep-alive; it stays.
  awaitable<char> peek() {
    while (true) {
      const Bytes data = received_.data();
      const size_t keep_alives = std::min(data.find_first_not_of("\r\n"), data.size());
      received_.consume(keep_alives);
      if (!received_.data().empty()) co_return received_.data().front();
      co_await read_more();
    }
  }

  awaitable<void> read_more() {
    const net::asio::mutable_buffer room = received_.prepare();
    const size_t size = co_await read_socket(room);
    received_.commit(size);
  }

  awaitable<size_t> read_socket(net::asio::mutable_buffer buffer) {
    silence_.touch();
    std::string why;
    try {
      const size_t size = co_await client_->stream().read_some(buffer);
      silence_.pause();
      co_return size;
    } catch (const ConnectionError& error) {
      why = error.what();
    }
    if (silence_.expired()) {
      why = fmt::format("{}: silent for {}", label(), format_duration(options_.reply_timeout));
    }
    throw ConnectionError(why);
  }

  std::unique_ptr<net::Client> client_;
  HandshakeOptions options_;
  net::Deadline silence_;  ///< of the source, while somebody reads
  SyncStart start_;
  net::ReceiveBuffer received_{
      handshake_read_bytes};  ///< of the handshake, and what came behind it
};

}  // namespace

awaitable<std::unique_ptr<ReplicaLink>> ReplicaLink::open(net::Endpoint source,
                                                          HandshakeOptions options) {
  net::ClientOptions client_options;
  client_options.connect_timeout = options.connect_timeout;
  client_options.reply_timeout = options.reply_timeout;
  auto client = co_await net::Client::connect(std::move(source), client_options);
  const auto connected = options.connected;
  auto link = std::make_unique<Link>(std::move(client), std::move(options));
  if (connected) connected([raw = link.get()] { raw->close(); });
  co_await link->shake_hands();
  co_return std::unique_ptr<ReplicaLink>(std::move(link));
}

}  // namespace lockstep::psync
