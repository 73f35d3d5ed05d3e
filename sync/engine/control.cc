#include "sync/engine/control.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <list>
#include <map>
#include <nlohmann/json.hpp>

#include "sync/base/error.h"
#include "sync/engine/engine.h"

namespace lockstep::engine {

namespace http = boost::beast::http;
using asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<stream_protocol>;
using Socket = stream_protocol::socket;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

namespace {

constexpr uint64_t request_bytes_max = 64 * 1024;
constexpr std::chrono::milliseconds accept_retry_pause{200};
constexpr uint64_t lease_max_ms = 3'600'000;

stream_protocol::endpoint parse_address(const std::string& address) {
  if (address.starts_with("unix:"))
    return asio::local::stream_protocol::endpoint(address.substr(5));
  const size_t colon = address.rfind(':');
  boost::system::error_code error;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto ip = asio::ip::make_address(host, error);
  uint16_t port = 0;
  const char* end = address.data() + address.size();
  const bool numeric = colon != std::string::npos &&
                       std::from_chars(address.data() + colon + 1, end, port).ptr == end;
  if (error || !numeric || !ip.is_loopback()) {
    throw UserError(fmt::format("--control {}: give unix:/path or a loopback address with a port, "
                                "such as 127.0.0.1:9121 (there is no "
                                "authentication, so no other address is taken)",
                                address),
                    ExitCode::bad_arguments);
  }
  return asio::ip::tcp::endpoint(ip, port);
}

Response answer(const Request& request, http::status status, std::string body,
                const char* type = "application/json") {
  Response response(status, request.version());
  response.set(http::field::content_type, type);
  response.keep_alive(request.keep_alive());
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

Response problem(const Request& request, http::status status, const std::string& message) {
  return answer(request, status, message + "\n", "text/plain");
}

/// What follows "/path?name=", a number; nullopt: other target.
std::optional<uint64_t> argument(Bytes target, Bytes path_and_name) {
  if (!target.starts_with(path_and_name)) return std::nullopt;
  const Bytes text = target.substr(path_and_name.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  throw UserError(fmt::format("{}: a number is missing behind {}", target, path_and_name));
}

std::map<std::string, Offset> parse_positions(const std::string& body) {
  std::map<std::string, Offset> positions;
  try {
    const auto json = nlohmann::json::parse(body);
    for (const auto& each : json.at("positions"))
      positions[each.at("replid").get<std::string>()] = Offset{each.at("offset").get<int64_t>()};
  } catch (const nlohmann::json::exception& error) {
    throw UserError(fmt::format("/advance takes {}: {}",
                                R"({"positions": [{"replid": "…", "offset": N}]})", error.what()));
  }
  return positions;
}

/// Holds that end by themselves. False: the target of the request is none of theirs.
asio::awaitable<bool> handle_leased(Engine& engine, const Request& request) {
  const std::string target(request.target());
  if (const auto lease = argument(target, "/hold?lease=")) {
    if (*lease == 0 || *lease > lease_max_ms)
      throw UserError(fmt::format("/hold takes a lease of 1 to {} ms", lease_max_ms));
    co_await engine.hold_for(std::chrono::milliseconds(*lease));
  } else if (const auto advance = argument(target, "/advance?hold=")) {
    auto positions = parse_positions(request.body());
    co_await engine.advance(*advance, std::move(positions));
  } else if (const auto release = argument(target, "/release?hold=")) {
    engine.release(*release);
  } else {
    co_return false;
  }
  co_return true;
}

asio::awaitable<Response> handle_post(Engine& engine, const Request& request) {
  const std::string target(request.target());
  const bool leased = co_await handle_leased(engine, request);
  if (leased) {
    co_return answer(request, http::status::ok, to_json(engine.status()));
  } else if (target == "/hold") {
    co_await engine.hold();
  } else if (target == "/release") {
    engine.release();
  } else if (target == "/finalize") {
    co_await engine.finalize();
  } else if (target == "/stop") {
    engine.stop("asked by the control endpoint");
  } else {
    co_return problem(request, http::status::not_found,
                      "POST takes /hold, /advance, /release, /finalize and /stop");
  }
  co_return answer(request, http::status::ok, to_json(engine.status()));
}

asio::awaitable<Response> handle(Engine& engine, const Request& request) {
  if (request.method() == http::verb::post) co_return co_await handle_post(engine, request);
  if (request.method() != http::verb::get)
    co_return problem(request, http::status::method_not_allowed, "GET or POST");
  if (request.target() == "/status")
    co_return answer(request, http::status::ok, to_json(engine.status()));
  if (request.target() == "/metrics") {
    co_return answer(request, http::status::ok, to_prometheus(engine.status()),
                     "text/plain; version=0.0.4");
  }
  co_return problem(request, http::status::not_found, "GET takes /status and /metrics");
}

}  // namespace

/// One client. While a request is being answered the socket outlives close(), so that the answer to
/// /finalize or /stop arrives.
struct Session {
  Socket socket;
  bool answering = false;
};

struct Control::Impl : std::enable_shared_from_this<Control::Impl> {
  Impl(asio::any_io_executor executor, Engine& e) : acceptor(executor), engine(e) {}

  void bind(const std::string& address) {
    const stream_protocol::endpoint endpoint = parse_address(address);
    if (address.starts_with("unix:")) {
      path = address.substr(5);
      remove_stale_socket(address);
    }
    boost::system::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error && path.empty()) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error && !path.empty()) ::chmod(path.c_str(), 0600);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw UserError(fmt::format("--control {} cannot be opened: {}", address, error.message()));
  }

  /// A socket that an engine left behind; nothing else is ever removed.
  void remove_stale_socket(const std::string& address) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0) return;
    if (!S_ISSOCK(there.st_mode)) {
      path.clear();
      throw UserError(fmt::format("--control {}: there is a file of that name, which is no socket: "
                                  "give another name",
                                  address),
                      ExitCode::bad_arguments);
    }
    ::unlink(path.c_str());
  }

  asio::awaitable<void> accept(std::shared_ptr<Impl> self) {
    while (acceptor.is_open()) {
      boost::system::error_code error;
      Socket socket =
          co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) break;
      if (error) {  // no descriptor is free, or the caller has gone again
        spdlog::warn("--control: a connection could not be taken: {}", error.message());
        asio::steady_timer pause(acceptor.get_executor(), accept_retry_pause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      sessions.push_back({std::move(socket)});
      asio::co_spawn(acceptor.get_executor(), serve(self, std::prev(sessions.end())),
                     asio::detached);
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<Impl> self, std::list<Session>::iterator session) {
    Socket& socket = session->socket;
    boost::beast::flat_buffer buffer;
    boost::system::error_code error;
    while (!error) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(request_bytes_max);
      co_await http::async_read(socket, buffer, parser,
                                asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      session->answering = true;
      std::string trouble;
      http::status refusal = http::status::service_unavailable;
      Response response;
      try {
        response = co_await handle(self->engine, parser.get());
      } catch (const UserError& refused) {
        trouble = refused.what();
        refusal = http::status::conflict;
      } catch (const std::exception& failure) {
        trouble = failure.what();
      }
      if (!trouble.empty()) response = problem(parser.get(), refusal, trouble);
      co_await http::async_write(socket, response,
                                 asio::redirect_error(asio::use_awaitable, error));
      session->answering = false;
      if (!response.keep_alive() || !acceptor.is_open()) break;
    }
    self->sessions.erase(session);
  }

  void close() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    for (Session& session : sessions) {
      if (!session.answering) session.socket.close(ignored);
    }
    if (!path.empty()) ::unlink(path.c_str());
    path.clear();
  }

  Acceptor acceptor;
  Engine& engine;
  std::list<Session> sessions;
  std::string path;
};

Control::Control(asio::any_io_executor executor, const std::string& address, Engine& engine)
    : impl_(std::make_shared<Impl>(executor, engine)) {
  impl_->bind(address);
  asio::co_spawn(executor, impl_->accept(impl_), asio::detached);
}

Control::~Control() { close(); }

void Control::close() { impl_->close(); }

}  // namespace lockstep::engine
