#include "verifier/engine_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "sync/cluster/discover.h"
#include "sync/net/http_client.h"
#include "verifier/parallel.h"

namespace lockstep::verifier {

namespace {

using nlohmann::json;

constexpr unsigned http_ok = 200;
constexpr milliseconds answer_limit{5000};
/// So long somebody else's hold is waited for, and asked about so often.
constexpr milliseconds foreign_hold_max{60000};
constexpr milliseconds hold_pause_min{10};
constexpr milliseconds hold_pause_max{200};

std::string without_scheme(std::string address) {
  for (const std::string scheme : {"http://", "unix://"}) {
    if (!address.starts_with(scheme)) continue;
    address = (scheme == "unix://" ? "unix:" : "") + address.substr(scheme.size());
  }
  if (address.ends_with('/')) address.pop_back();
  return address;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    uint8_t byte = 0;
    const char* at = hex.data() + i;
    if (std::from_chars(at, at + 2, byte, 16).ptr != at + 2)
      throw FormatError(i, "no hexadecimal digits: " + hex);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

void read_ahead(const json& link, EngineStatus& status) {
  for (const json& key : link.at("ahead"))
    status.ahead.insert(
        {DbIndex{key.at("db").get<uint32_t>()}, from_hex(key.at("key_hex").get<std::string>())});
}

EngineStatus parse_status(const json& answer) {
  EngineStatus status;
  status.state = answer.at("state");
  status.hold_id = answer.at("hold").at("id");
  status.lease_left = milliseconds(answer.at("hold").at("lease_left_ms").get<int64_t>());
  status.held = answer.at("held");
  status.caught_up = answer.at("caught_up");
  status.expiry = answer.at("expiry");
  status.expiry_grace = milliseconds(answer.at("expiry_grace_ms").get<int64_t>());
  for (const auto& link : answer.at("links")) {
    status.targets.push_back(link.at("target"));
    const int64_t known = std::max(link.at("source_offset").get<int64_t>(),
                                   link.at("received_offset").get<int64_t>());
    status.behind_bytes =
        std::max(status.behind_bytes, known - link.at("applied_offset").get<int64_t>());
    read_ahead(link, status);
  }
  return status;
}

}  // namespace

EngineControl::EngineControl(const std::string& address, milliseconds max_hold)
    : address_(without_scheme(address)), max_hold_(max_hold) {}

asio::awaitable<EngineStatus> EngineControl::ask(std::string method, std::string target,
                                                 std::string body) {
  net::HttpRequest request{.address = address_,
                           .method = std::move(method),
                           .target = std::move(target),
                           .body = std::move(body),
                           .limit = max_hold_ + answer_limit};
  const std::string what = request.target;
  const net::HttpAnswer answer = co_await net::ask_http(std::move(request));
  if (answer.status != http_ok) {
    const std::string why = answer.body.substr(0, answer.body.find('\n'));
    throw CutFailed(fmt::format("the engine at {} refuses {}: {}", address_, what, why));
  }
  std::string trouble;
  try {
    co_return parse_status(json::parse(answer.body));
  } catch (const json::exception& error) {
    trouble = error.what();
  } catch (const FormatError& error) {
    trouble = error.what();
  }
  throw UserError(
      fmt::format("{} does not answer as the control endpoint of `lockstep sync` of "
                  "this version does: {}",
                  address_, trouble));
}

asio::awaitable<EngineStatus> EngineControl::status() { return ask("GET", "/status", ""); }

asio::awaitable<void> EngineControl::await_no_hold() {
  const auto end = std::chrono::steady_clock::now() + foreign_hold_max;
  for (;;) {
    const EngineStatus now = co_await status();
    if (now.hold_id == 0 || std::chrono::steady_clock::now() >= end) co_return;
    co_await pause_for(std::clamp(now.lease_left, hold_pause_min, hold_pause_max));
  }
}

asio::awaitable<void> EngineControl::hold() {
  co_await await_no_hold();
  held_since_ = std::chrono::steady_clock::now();
  const EngineStatus status =
      co_await ask("POST", fmt::format("/hold?lease={}", max_hold_.count()), "");
  hold_id_ = status.hold_id;
}

asio::awaitable<EngineStatus> EngineControl::advance(std::map<std::string, Offset> positions) {
  json list = json::array();
  for (const auto& [replid, offset] : positions)
    list.push_back({{"replid", replid}, {"offset", offset.value}});
  return ask("POST", fmt::format("/advance?hold={}", hold_id_),
             json{{"positions", std::move(list)}}.dump());
}

milliseconds EngineControl::held_for() const {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - held_since_);
}

void EngineControl::note_end() {
  const milliseconds length = std::min(held_for(), max_hold_);  // the engine ended it then
  ++times_.count;
  times_.longest = std::max(times_.longest, length);
  times_.total += length;
  hold_id_ = 0;
}

asio::awaitable<void> EngineControl::require_time_left() {
  const EngineStatus now = co_await status();
  if (hold_id_ != 0 && now.hold_id == hold_id_ && held_for() <= max_hold_ * 3 / 4) co_return;
  throw CutFailed(
      fmt::format("the engine at {} has been held for {} of at most {}: too long for a write",
                  address_, format_duration(held_for()), format_duration(max_hold_)));
}

asio::awaitable<void> EngineControl::release() {
  co_await ask("POST", fmt::format("/release?hold={}", hold_id_), "");
  note_end();
}

asio::awaitable<void> EngineControl::give_up() {
  if (hold_id_ == 0) co_return;
  std::string ignored;  // an engine that does not answer ends the hold by its lease
  try {
    co_await ask("POST", fmt::format("/release?hold={}", hold_id_), "");
  } catch (const std::exception& error) {
    ignored = error.what();
  }
  note_end();
}

asio::awaitable<void> while_held(EngineControl& engine, asio::awaitable<void> task) {
  std::exception_ptr failure;
  try {
    co_await engine.hold();
    co_await std::move(task);
    co_await engine.release();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    co_await engine.give_up();
    std::rethrow_exception(failure);
  }
}

namespace {

net::Endpoint at_label(const net::Endpoint& login, const std::string& label) {
  const net::Endpoint there =
      net::parse_endpoint(label.starts_with('/') ? "unix://" + label : label);
  net::Endpoint result = login.with_address(there.host, there.port);
  result.unix_path = there.unix_path;
  return result;
}

/// The run id of the server, or of a primary of its cluster.
asio::awaitable<std::string> run_id_of(net::Endpoint endpoint) {
  const cluster::Topology topology = co_await cluster::discover(endpoint);
  const auto client = co_await net::Client::connect(topology.shards.at(0).primary.endpoint);
  std::vector<std::string> request{"INFO", "server"};
  const resp::Value info = co_await client->command_or_throw(std::move(request));
  co_return std::string(info_field(info.text, "run_id"));
}

asio::awaitable<void> require_part(const Side& target, std::string label) {
  if (target.find(label)) co_return;
  std::string run_id, trouble;
  try {
    run_id = co_await run_id_of(at_label(target.node(0).endpoint, label));
  } catch (const ConnectionError& error) {
    trouble = error.what();
  } catch (const UserError& error) {
    trouble = error.what();
  }
  if (run_id.empty())
    throw UserError(
        fmt::format("the engine writes to {}, and whether that is a server of the target cannot be "
                    "told: {}; give --to the name that the engine has been given",
                    label, trouble));
  for (size_t i = 0; i < target.node_count(); ++i) {
    if (target.node(i).run_id == run_id) co_return;
  }
  throw UserError(
      fmt::format("the engine writes to {}, which is no server of the target: --engine must name "
                  "the one that feeds it",
                  label),
      ExitCode::bad_arguments);
}

}  // namespace

asio::awaitable<void> require_feeds(EngineControl& engine, const Side& target) {
  EngineStatus status;
  try {
    status = co_await engine.status();
  } catch (const ConnectionError&) {  // whoever needs it will tell
  }
  for (const std::string& label : status.targets) co_await require_part(target, label);
}

}  // namespace lockstep::verifier
