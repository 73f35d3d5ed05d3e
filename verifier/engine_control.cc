#include "verifier/engine_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sync/net/http_client.h"

namespace lockstep::verifier {

namespace {

using nlohmann::json;

constexpr unsigned http_ok = 200;
constexpr milliseconds answer_limit{5000};

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
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
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
  }
  throw UserError(
      fmt::format("{} does not answer as the control endpoint of `lockstep sync` of "
                  "this version does: {}",
                  address_, trouble));
}

asio::awaitable<EngineStatus> EngineControl::status() { return ask("GET", "/status", ""); }

asio::awaitable<void> EngineControl::hold() {
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

}  // namespace lockstep::verifier
