#include "verifier/stray_access.h"

#include <fmt/format.h>

#include "sync/cluster/slot.h"
#include "sync/fence/fence.h"
#include "sync/resp/encoder.h"
#include "verifier/target_write.h"

namespace lockstep::verifier {

namespace {

std::string open_request(const Side& side, Bytes key) {
  const Slot slot = cluster::slot_of(key);
  std::string request;
  resp::append_command(request, {"CLUSTER", "SETSLOT", std::to_string(slot.value), "IMPORTING",
                                 side.node_id(side.owner(slot))});
  return request;
}

void append_close(std::string& requests, Bytes key) {
  resp::append_command(
      requests, {"CLUSTER", "SETSLOT", std::to_string(cluster::slot_of(key).value), "STABLE"});
}

[[noreturn]] void refuse(const Node& node, Bytes key, const resp::Value& error) {
  throw UserError(fmt::format(
      "{}: {}; by hand, at that node: CLUSTER SETSLOT {} IMPORTING <the owner's id>, ASKING, "
      "UNLINK of the key, CLUSTER SETSLOT {} STABLE",
      node.endpoint.label(), error.text, cluster::slot_of(key).value, cluster::slot_of(key).value));
}

void require_none(const Node& node, Bytes key, const std::vector<resp::Value>& replies) {
  for (const resp::Value& reply : replies) {
    if (reply.is_error()) refuse(node, key, reply);
  }
}

}  // namespace

asio::awaitable<std::set<std::string>> names_in_slot(Node& node, Slot slot) {
  std::vector<std::string> count{"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot.value)};
  const resp::Value counted = co_await node.client->command_or_throw(std::move(count));
  std::set<std::string> names;
  if (counted.integer == 0) co_return names;
  std::vector<std::string> request{"CLUSTER", "GETKEYSINSLOT", std::to_string(slot.value),
                                   std::to_string(counted.integer)};
  const resp::Value listed = co_await node.client->command_or_throw(std::move(request));
  for (const resp::Value& name : listed.items) names.insert(name.text);
  co_return names;
}

/// All in one write: nothing is left open should we end in between.
asio::awaitable<fence::FencedKey> read_stray(Side& side, size_t index, std::string key) {
  Node& node = side.node(index);
  std::string requests = open_request(side, key);
  resp::append_command(requests, {"ASKING"});
  resp::append_command(requests, {"DUMP", key});
  resp::append_command(requests, {"ASKING"});
  resp::append_command(requests, {"PTTL", key});
  append_close(requests, key);
  constexpr size_t commands = 6;
  const auto replies = co_await node.client->pipeline(std::move(requests), commands);
  require_none(node, key, replies);
  fence::FencedKey read{std::move(key), std::nullopt, std::nullopt, {}};
  const resp::Value& payload = replies[2];
  const int64_t ttl_ms = replies[4].integer;
  if (!payload.is_null()) read.dump_payload = payload.text;
  if (ttl_ms >= 0) read.expire_at = ExpireAt{side.now_ms(index) + ttl_ms};
  co_return read;
}

/// The key is written only once the node has said that it does not own the slot.
asio::awaitable<void> write_stray(Side& side, size_t index, fence::FencedKey key) {
  Node& node = side.node(index);
  const auto opened = co_await node.client->pipeline(open_request(side, key.key), 1);
  require_none(node, key.key, opened);
  std::string requests;
  resp::append_command(requests, {"ASKING"});
  const size_t writes = fence::append_write(requests, key, restore_form(node),
                                            std::chrono::milliseconds(0), side.now_ms(index));
  append_close(requests, key.key);
  const auto replies = co_await node.client->pipeline(std::move(requests), writes + 2);
  require_none(node, key.key, replies);
}

}  // namespace lockstep::verifier
