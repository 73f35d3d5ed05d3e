#include "verifier/target_write.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/base/error.h"
#include "sync/fence/rebuild.h"
#include "sync/rdb/dump_payload.h"
#include "sync/resp/encoder.h"

namespace lockstep::verifier {

namespace {

constexpr uint32_t replace_since = 30000;
constexpr uint32_t unlink_since = 40000;
constexpr uint32_t absttl_since = 50000;

fence::RestoreForm form_of(const Node& node) {
  return {.replace = node.version_number >= replace_since,
          .absttl = node.version_number >= absttl_since,
          .unlink = node.version_number >= unlink_since};
}

/// The payload with the footer of the oldest servers that know its type, so that an older target
/// takes whatever it can read. As it is where we do not know the type.
void lower_footer(fence::FencedKey& key) {
  if (!key.dump_payload) return;
  try {
    const rdb::DumpView view = rdb::parse_dump_payload(*key.dump_payload);
    const auto version = rdb::lowest_version_for(view.type);
    if (!version) return;
    std::string payload;
    rdb::append_dump_payload(payload, view.type, view.value, *version);
    key.dump_payload = std::move(payload);
  } catch (const FormatError&) {
    return;  // the target says whether it takes it
  }
}

bool may_pass(const resp::Value& error) {
  static constexpr const char* codes[] = {"MOVED",   "ASK",        "TRYAGAIN", "CLUSTERDOWN",
                                          "LOADING", "MASTERDOWN", "BUSY",     "READONLY"};
  const Bytes code = error.error_code();
  return std::any_of(std::begin(codes), std::end(codes), [&](Bytes each) { return each == code; });
}

bool unknown_payload(const resp::Value& error) {
  return error.text.find("DUMP payload version") != std::string::npos ||
         error.text.find("Bad data format") != std::string::npos;
}

std::string advice(const resp::Value& error) {
  if (error.error_code() == "OOM")
    return "; the target's memory is full: raise maxmemory or make room, then repair again";
  if (error.error_code() == "NOPERM")
    return "; repairing needs +restore +unlink +del on the target";
  return "";
}

void note_failure(WriteOutcome& outcome, const Node& node, Bytes key, const resp::Value& error) {
  if (!outcome.failure.empty()) return;
  outcome.failure = fmt::format("{}: writing the key \"{}\": {}{}", node.endpoint.label(),
                                printable(key), error.text, advice(error));
  outcome.may_pass = may_pass(error);
}

asio::awaitable<void> select(Node& node, DbIndex db) {
  std::vector<std::string> request{"SELECT", std::to_string(db.value)};
  co_await node.client->command_or_throw(std::move(request));
}

/// The commands that make the value, as one transaction; returns how many replies it gives.
size_t append_rebuild(std::string& out, const fence::FencedKey& key, const Node& node) {
  const rdb::DumpView view = rdb::parse_dump_payload(*key.dump_payload);
  size_t replies = 2;
  resp::append_command(out, {"MULTI"});
  const auto emit = [&](Bytes command) {
    out += command;
    ++replies;
  };
  fence::rebuild_value(key.key, view.type, view.value, key.expire_at,
                       fence::rebuild_options(node.version, node.valkey_version), emit);
  resp::append_command(out, {"EXEC"});
  return replies;
}

const resp::Value* first_error(const std::vector<resp::Value>& replies) {
  for (const resp::Value& reply : replies) {
    if (reply.is_error()) return &reply;
  }
  for (const resp::Value& reply : replies.back().items) {
    if (reply.is_error()) return &reply;
  }
  return nullptr;
}

asio::awaitable<void> rebuild(Node& node, const fence::FencedKey& key, size_t place,
                              WriteOutcome& outcome) {
  std::string requests;
  std::string failure;
  size_t count = 0;
  try {
    count = append_rebuild(requests, key, node);
  } catch (const UserError& error) {
    failure = error.what();
  } catch (const FormatError& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    if (outcome.failure.empty()) {
      outcome.failure = fmt::format("{}: the key \"{}\" cannot be written there: {}",
                                    node.endpoint.label(), printable(key.key), failure);
    }
    co_return;
  }
  const auto replies = co_await node.client->pipeline(std::move(requests), count);
  if (const resp::Value* error = first_error(replies)) {
    note_failure(outcome, node, key.key, *error);
    co_return;
  }
  outcome.rebuilt.push_back(place);
  ++outcome.written;
}

}  // namespace

asio::awaitable<WriteOutcome> write_keys(Node& node, DbIndex db, std::vector<fence::FencedKey> keys,
                                         int64_t now_ms) {
  const fence::RestoreForm form = form_of(node);
  std::string requests;
  std::vector<size_t> counts;
  for (fence::FencedKey& key : keys) {
    lower_footer(key);
    counts.push_back(
        fence::append_write(requests, key, form, std::chrono::milliseconds(0), now_ms));
  }
  size_t total = 0;
  for (const size_t count : counts) total += count;
  if (db.value > 0) co_await select(node, db);
  const auto replies = co_await node.client->pipeline(std::move(requests), total);
  WriteOutcome outcome;
  size_t at = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    at += counts[i];
    const resp::Value& reply = replies[at - 1];
    if (!reply.is_error()) {
      ++outcome.written;
    } else if (unknown_payload(reply)) {
      co_await rebuild(node, keys[i], i, outcome);
    } else {
      note_failure(outcome, node, keys[i].key, reply);
    }
  }
  if (db.value > 0) co_await select(node, DbIndex{0});
  co_return outcome;
}

asio::awaitable<std::string> write_library(Node& node, std::string name,
                                           std::optional<std::string> code) {
  std::vector<std::string> request{"FUNCTION", "DELETE", std::move(name)};
  if (code) request = {"FUNCTION", "LOAD", "REPLACE", std::move(*code)};
  const resp::Value reply = co_await node.client->command(std::move(request));
  if (!reply.is_error()) co_return "";
  std::string why = node.endpoint.label() + ": " + reply.text;
  if (may_pass(reply)) throw ConnectionError(why);
  if (reply.error_code() == "NOPERM")
    why += "; repairing functions needs +function|load +function|delete on the target";
  co_return why;
}

}  // namespace lockstep::verifier
