#pragma once

#include <span>
#include <string>

#include "sync/net/client.h"

namespace lockstep::engine {

/// Whether a server that answered a question with this error (without '-') may answer it later:
/// BUSY, LOADING, MASTERDOWN, CLUSTERDOWN, TRYAGAIN and what policy_for() waits for.
bool may_pass(Bytes error);
bool any_may_pass(std::span<const resp::Value> replies);

/// Whether a reply to SELECT says that the server has no such database: so it holds nothing there.
bool lacks_database(const resp::Value& select);

/// Whether the server does not know the command, and so has nothing of what it tells.
bool lacks_command(const resp::Value& reply);

/// Throws where the source refused `what`: an error reply is no value, and must not be read as one.
/// ConnectionError for what may pass, else UserError with the way out.
void require_answers(std::span<const resp::Value> replies, const std::string& what,
                     const std::string& source);
/// The same for questions whose answer is a number.
void require_numbers(std::span<const resp::Value> replies, const std::string& what,
                     const std::string& source);

/// Throws where the target refused `what`, in the reply or inside EXEC's: ConnectionError for what
/// is different later or at another node (see Policy), else UserError.
void require_done(const resp::Value& reply, const std::string& what, const net::Client& client);
/// The target's reply to one request, which it has not refused.
net::asio::awaitable<resp::Value> ask_target(net::Client& client, std::vector<std::string> request);

}  // namespace lockstep::engine
