#include "verifier/node_request.h"

#include <fmt/format.h>

#include "verifier/key_reader.h"

namespace lockstep::verifier {

void require_no_error(Side& side, size_t node, Bytes command, const resp::Value& reply) {
  if (!reply.is_error() || reply.error_code() == "WRONGTYPE") return;
  const std::string message =
      fmt::format("{}: {}: {}", side.node(node).endpoint.label(), command, reply.text);
  if (reply.error_code() == "NOPERM" || reply.error_code() == "ERR") throw UserError(message);
  if (const auto slot = sent_on(reply.text)) throw SlotOnTheMove(side, *slot);
  throw ConnectionError(message);
}

asio::awaitable<resp::Value> ask(Side& side, size_t node, std::vector<std::string> words) {
  co_await side.await_turn(node, 1);
  const std::string command = words.front();
  resp::Value reply = co_await side.node(node).client->command(std::move(words));
  require_no_error(side, node, command, reply);
  co_return reply;
}

asio::awaitable<void> select(Side& side, size_t node, DbIndex from, DbIndex to) {
  if (from == to) co_return;
  std::vector<std::string> words{"SELECT", std::to_string(to.value)};
  co_await ask(side, node, std::move(words));
}

asio::awaitable<void> leave_database(Side& side, std::string key, DbIndex db) {
  for (const size_t node : side.holders(key)) co_await select(side, node, db, DbIndex{0});
}

}  // namespace lockstep::verifier
