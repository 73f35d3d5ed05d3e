#include "sync/psync/replica_link.h"

#include <fmt/format.h>

#include <cstring>

#include "sync/base/error.h"
#include "sync/net/client.h"
#include "sync/net/deadline.h"
#include "sync/psync/handshake.h"
#include "sync/resp/encoder.h"

namespace lockstep::psync {

namespace {

using net::asio::awaitable;
using std::chrono::milliseconds;

constexpr size_t read_bytes = 4096;
constexpr milliseconds retry_pause{200};

class Link : public ReplicaLink {
 public:
  Link(std::unique_ptr<net::Client> client, HandshakeOptions options) : client_(std::move(client)), options_(std::move(options)) {}

  awaitable<void> shake_hands() {
    std::vector<std::string> port{"REPLCONF", "listening-port", std::to_string(options_.listening_port)};
    co_await configure(std::move(port));
    std::vector<std::string> capabilities{"REPLCONF"};
    if (options_.capa_eof) {
      capabilities.push_back("capa");
      capabilities.push_back("eof");
    }
    capabilities.push_back("capa");
    capabilities.push_back("psync2");
    co_await configure(std::move(capabilities));
    co_await ask();
  }

  const SyncStart& start() const override { return start_; }

  awaitable<size_t> read_some(net::asio::mutable_buffer buffer) override {
    if (!early_.empty()) {
      const size_t n = std::min(buffer.size(), early_.size());
      std::memcpy(buffer.data(), early_.data(), n);
      early_.erase(0, n);
      co_return n;
    }
    co_return co_await read_bounded(buffer);
  }

  awaitable<void> ack(Offset offset) override {
    if (start_.plain_sync) co_return;  // a server without PSYNC does not know REPLCONF ACK
    std::string request;
    const std::string position = std::to_string(offset.value);
    resp::append_command(request, {"REPLCONF", "ACK", position});
    const net::asio::const_buffer buffer(request.data(), request.size());
    co_await client_->stream().write(std::span(&buffer, 1));
  }

  void close() override { client_->close(); }

 private:
  const std::string label() const { return client_->endpoint().label(); }

  awaitable<size_t> read_bounded(net::asio::mutable_buffer buffer) {
    net::Deadline deadline(client_->stream().executor(), options_.reply_timeout, [this] { client_->close(); });
    std::string why;
    try {
      co_return co_await client_->stream().read_some(buffer);
    } catch (const ConnectionError& error) {
      why = error.what();
    }
    if (deadline.expired()) why = fmt::format("{}: silent for {} ms", label(), options_.reply_timeout.count());
    throw ConnectionError(why);
  }

  /// REPLCONF is advice: servers before 2.8 refuse it, later ones may not know a word of it.
  awaitable<void> configure(std::vector<std::string> request) {
    const resp::Value reply = co_await client_->command(std::move(request));
    if (reply.error_code() == "NOPERM") {
      throw UserError(fmt::format("{}: the user may not replicate: {}; allow it on every node of the source with ACL SETUSER <user> +psync +replconf +ping",
                                  label(), reply.text));
    }
  }

  awaitable<void> send(std::string request) {
    const net::asio::const_buffer buffer(request.data(), request.size());
    co_await client_->stream().write(std::span(&buffer, 1));
  }

  awaitable<std::string> read_line() {
    std::string chunk(read_bytes, '\0');
    while (true) {
      const size_t end = early_.find('\n');
      if (end != std::string::npos) {
        std::string line = early_.substr(0, end);
        early_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        if (!line.empty()) co_return line;
        continue;  // a keep-alive
      }
      const size_t n = co_await read_bounded(net::asio::buffer(chunk));
      early_.append(chunk, 0, n);
    }
  }

  std::string request() const {
    std::string out;
    if (options_.resume) {
      resp::append_command(out, {"PSYNC", options_.resume->first.value, std::to_string(options_.resume->second.value + 1)});
    } else {
      resp::append_command(out, {"PSYNC", "?", "-1"});
    }
    return out;
  }

  awaitable<void> ask() {
    const auto deadline = std::chrono::steady_clock::now() + options_.reply_timeout;
    while (true) {
      co_await send(request());
      const std::string line = co_await read_line();
      const PsyncAnswer answer = parse_psync_answer(line, options_.resume, label());
      if (const auto* start = std::get_if<SyncStart>(&answer)) {
        start_ = *start;
        co_return;
      }
      if (std::holds_alternative<UseSync>(answer)) {
        start_.plain_sync = true;
        co_return co_await send("SYNC\r\n");
      }
      const std::string why = std::get<NotNow>(answer).why;
      if (std::chrono::steady_clock::now() > deadline) throw ConnectionError(fmt::format("{}: {}", label(), why));
      net::asio::steady_timer timer(client_->stream().executor(), retry_pause);
      co_await timer.async_wait(net::asio::use_awaitable);
    }
  }

  std::unique_ptr<net::Client> client_;
  HandshakeOptions options_;
  SyncStart start_;
  std::string early_;   ///< bytes that came behind the handshake's last line
};

}  // namespace

awaitable<std::unique_ptr<ReplicaLink>> ReplicaLink::open(net::Endpoint source, HandshakeOptions options) {
  net::ClientOptions client_options;
  client_options.connect_timeout = options.connect_timeout;
  client_options.reply_timeout = options.reply_timeout;
  auto client = co_await net::Client::connect(std::move(source), client_options);
  auto link = std::make_unique<Link>(std::move(client), std::move(options));
  co_await link->shake_hands();
  co_return std::unique_ptr<ReplicaLink>(std::move(link));
}

}  // namespace lockstep::psync
