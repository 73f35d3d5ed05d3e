#include "sync/engine/request_errors.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/engine/reply_policy.h"

namespace lockstep::engine {

namespace {

std::string way_out(Bytes code) {
  if (code == "NOPERM") {
    return ". Allow it on every node of the source with ACL SETUSER <user> ~* +info +select +time "
           "+pttl +pexpiretime +exists";
  }
  if (code == "MOVED" || code == "ASK")
    return ". The key's slot has moved since the sync began: run again with --existing overwrite";
  return "";
}

}  // namespace

bool may_pass(Bytes error) {
  const Bytes code = error.substr(0, error.find(' '));
  return code == "CLUSTERDOWN" || code == "TRYAGAIN" ||
         policy_for(error, UnitKind::control) == Policy::wait;
}

bool any_may_pass(std::span<const resp::Value> replies) {
  return std::any_of(replies.begin(), replies.end(), [](const resp::Value& reply) {
    return reply.is_error() && may_pass(reply.text);
  });
}

bool lacks_database(const resp::Value& select) {
  const auto says = [&](Bytes part) { return select.text.find(part) != std::string::npos; };
  return select.is_error() && (says("DB index") || says("not allowed in cluster mode"));
}

bool lacks_command(const resp::Value& reply) {
  return reply.is_error() && reply.text.starts_with("ERR unknown command");
}

void require_answers(std::span<const resp::Value> replies, const std::string& what,
                     const std::string& source) {
  for (const resp::Value& reply : replies) {
    if (!reply.is_error()) continue;
    const std::string message = fmt::format("{}: {} failed: {}", source, what, reply.text);
    if (may_pass(reply.text)) throw ConnectionError(message);
    throw UserError(message + way_out(reply.error_code()));
  }
}

void require_numbers(std::span<const resp::Value> replies, const std::string& what,
                     const std::string& source) {
  require_answers(replies, what, source);
  for (const resp::Value& reply : replies) {
    if (reply.type != resp::Type::integer)
      throw UserError(fmt::format("{}: {} was answered with something else than a number: \"{}\"",
                                  source, what, printable(reply.text)));
  }
}

void require_done(const resp::Value& reply, const std::string& what, const net::Client& client) {
  for (const resp::Value& part : reply.items) require_done(part, what, client);
  if (!reply.is_error()) return;
  const std::string message =
      fmt::format("{}: {}: {}", client.endpoint().label(), what, reply.text);
  if (policy_for(reply.text, UnitKind::control) == Policy::stop) throw UserError(message);
  throw ConnectionError(message);
}

net::asio::awaitable<resp::Value> ask_target(net::Client& client,
                                             std::vector<std::string> request) {
  const std::string what = request.front();
  resp::Value reply = co_await client.command(std::move(request));
  require_done(reply, what, client);
  co_return reply;
}

}  // namespace lockstep::engine
